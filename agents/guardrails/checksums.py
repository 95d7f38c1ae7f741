"""The check digits by which numbers of cards, accounts and people are told from other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""Characters of an account number by country (the IBAN registry of SWIFT)."""
SCHEMES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4, 4, (13, 16, 19)),
    (51, 55, (16,)),
    (2221, 2720, (16,)),
    (34, 34, (15,)),
    (37, 37, (15,)),
    (300, 305, (14,)),
    (36, 36, (14, 15, 16, 17, 18, 19)),
    (38, 39, (14, 16)),
    (6011, 6011, (16, 19)),
    (644, 649, (16, 19)),
    (65, 65, (16, 19)),
    (3528, 3589, (16, 17, 18, 19)),
    (1800, 1800, (15,)),
    (2131, 2131, (15,)),
    (62, 62, (16, 17, 18, 19)),
    (50, 50, (12, 13, 14, 15, 16, 17, 18, 19)),
    (56, 59, (12, 13, 14, 15, 16, 17, 18, 19)),
    (60, 61, (12, 13, 14, 15, 16, 17, 18, 19)),
    (63, 64, (12, 13, 14, 15, 16, 17, 18, 19)),
    (66, 69, (12, 13, 14, 15, 16, 17, 18, 19)),
)
"""First and last beginning of a card scheme's numbers, and how long these are (ISO/IEC 7812 ranges as published)."""
DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def luhn(digits: str) -> bool:
    """Return whether the last digit fits the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) << (place & 1)
        total += doubled - 9 * (doubled > 9)  # noqa: PLR2004 (the sum of its two digits)
    return total % 10 == 0


def begins_like_card(digits: str) -> bool:
    """Return whether a card's number can begin so."""
    return any(first <= int(digits[: len(str(first))]) <= last for first, last, _ in SCHEMES)


def is_card(digits: str) -> bool:
    """Return whether these digits are a card's number: a scheme's beginning and length, and the check digit."""
    return any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in SCHEMES
    ) and luhn(digits)


def is_iban(written: str) -> bool:
    """Return whether capitals and digits are an account number (ISO 13616, ISO 7064 MOD 97-10)."""
    if IBAN_LENGTHS.get(written[:2]) != len(written):
        return False
    return int("".join(str(int(letter, 36)) for letter in written[4:] + written[:4])) % 97 == 1


def is_dni(written: str) -> bool:
    """Return whether this is a Spanish DNI or NIE."""
    digits = written[:-1].translate(str.maketrans("XYZ", "012"))
    return digits.isdigit() and DNI_LETTERS[int(digits) % 23] == written[-1]


def is_nir(digits: str) -> bool:
    """Return whether these 15 digits are a French social security number."""
    return digits[0] in "12" and 1 <= int(digits[3:5]) <= 99 and int(digits[:13]) % 97 == 97 - int(digits[13:])  # noqa: PLR2004 (months, with those of other registers)


def is_steuer_id(digits: str) -> bool:
    """Return whether these 11 digits are a German tax id (ISO 7064 MOD 11,10)."""
    if digits[0] == "0" or len(set(digits[:10])) not in {8, 9}:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_cpf(digits: str) -> bool:
    """Return whether these 11 digits are a Brazilian CPF."""
    if len(set(digits)) == 1:
        return False
    return all(
        _weighted(digits[:known], range(known + 1, 1, -1)) * 10 % 11 % 10 == int(digits[known]) for known in (9, 10)
    )


def is_bsn(digits: str) -> bool:
    """Return whether these 9 digits are a Dutch BSN."""
    return _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_nhs(digits: str) -> bool:
    """Return whether these 10 digits are a number of the British health service."""
    return _weighted(digits, range(10, 1, -1)) % 11 == (11 - int(digits[9])) % 11


def is_pesel(digits: str) -> bool:
    """Return whether these 11 digits are a Polish PESEL."""
    return _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_ahv(digits: str) -> bool:
    """Return whether these 13 digits are a Swiss social security number (an EAN-13 that begins with 756)."""
    return digits.startswith("756") and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def is_codice_fiscale(written: str) -> bool:
    """Return whether these 16 capitals and digits are an Italian tax code."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(letter, 36) - (10 if letter.isalpha() else 0) for letter in written[:15]]
    total = sum(odd[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return total % 26 == ord(written[15]) - ord("A")


def is_personnummer(digits: str) -> bool:
    """Return whether these 10 digits are a Swedish personal number."""
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) % 60 <= 31 and luhn(digits)  # noqa: PLR2004 (months and days)


BY_DIGITS: dict[int, tuple[Callable[[str], bool], ...]] = {
    9: (is_bsn, luhn),
    10: (is_nhs, is_personnummer),
    11: (is_steuer_id, is_cpf, is_pesel),
    13: (is_ahv,),
    15: (is_nir,),
}
"""What a number of so many digits can be the national number of a person by."""


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
