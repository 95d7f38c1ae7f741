"""Phone numbers among other numbers, by how they are written and by the words around them.

A number with a country's code is one anywhere. Without it, how it is grouped must be usual somewhere; where the nearest
word before it says "order" or "serial" it is none. Plain digits are one only behind a word for phones.
"""

from __future__ import annotations

import re

CALLING_CODES = frozenset(
    """
    1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81
    82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233
    234 235 236 237 238 239 240 241 242 243 244 245 246 248 249 250 251 252 253 254 255 256 257 258 260 261 262
    263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374
    375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591
    592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690
    691 692 800 808 850 852 853 855 856 870 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971
    972 973 974 975 976 977 979 992 993 994 995 996 998
    """.split()  # noqa: SIM905 (two hundred numbers read best without quotes)
)
"""Country codes in use (ITU-T E.164)."""
CONTEXT = 48
"""Characters before a number in which words for it count."""
AFTER = 10
"""The same behind it."""
LONGEST = 15
"""Digits of a number with its country's code (E.164)."""

_PHONE_WORDS = (
    r"phones?|tel(?:[eé](?:f[oó]n\w*|phone)|\.|:)?|mobile?|m[oó]vil|cell(?:ular)?|fax|desk|office|landline|"
    r"hotline|whats\s?app|sms|text(?:ed)?|messages?|call(?:ed|ing|s)?|dial|ring|reach(?:ed|able)?|answering|"
    r"voicemail|contact(?: number)?|registered|ll[aá]m\w+|contest\w+|anruf\w*|ruf\w*|handy\w*|durchwahl|"
    r"festnetz|erreich\w*|appel\w*|joindre|joignable|portable|t[eé]l[eé]phon\w*|num[eé]ro de t[eé]l\w*"
)
_OTHER_WORDS = (
    r"orders?|pedidos?|bestell\w*|auftrag\w*|commandes?|tracking|track|seguimiento|env[ií]o|sendung\w*|paket\w*|"
    r"suivi|colis|serial|serie|s[eé]rie|serien\w*|seri\w*|models?|modelo|modell\w*|mod[eè]le|invoices?|factura|"
    r"rechnung\w*|facture|sku|parts?|pieza|teile\w*|pi[eè]ce|articles?|art[ií]culo|artikel\w*|"
    r"r[eé]f(?:[eé]ren[cz]\w*)?|tickets?|cases?|versions?|versi[oó]n|firmware|build|reservation|reserva|booking|"
    r"buchung\w*|r[eé]servation|isbn|ean|gtin|upc|barcode|c[oó]digo|code|batch|lote?|charge|customer|kunden\w*|"
    r"client\w*|account|konto\w*|cuenta|compte|imei|mac|transaction|transacci[oó]n|zip|postcode|plz|policy|"
    r"contract|contrato|vertrag\w*|contrat|voucher|gift|item|produ\w+|id|ids|license|licence|licencia|lizenz\w*|"
    r"vin|price|precio|preis|prix|cards?|tarjeta|karte|carte|ssn|social security|pin|otp|warranty|garant\w*|"
    r"asin|hs|tariff|hash|commit|timestamp"
)
WORDS = re.compile(rf"(?<![^\W_])(?:(?P<phone>{_PHONE_WORDS})|(?P<other>{_OTHER_WORDS}))(?![^\W_])", re.IGNORECASE)
LABEL = re.compile(
    r"[\s\\,(\-:]{1,4}(?:office|mobile|fax|desk|cell|home|work|phone|tel|b[uü]ro|handy|privat)\b", re.IGNORECASE
)
UNIT = re.compile(
    r"\s?(?:[€$£¥%°]|(?:eur|usd|gbp|chf|euros?|dollars?|mm|cm|km|m|kg|g|mg|ml|l|mb|gb|tb|kb|mhz|ghz|hz|w|kw|kwh|v|ma|mah|px|"
    r"dpi|units?|pieces?|pcs|st[uü]ck|unidades|unit[eé]s|bytes?)\b)",
    re.IGNORECASE,
)
CURRENCY = re.compile(r"[€$£¥]\s?$")
DATE = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?\d|1[0-2])[-./ ][0-3]?\d(?:\D.*)?|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d(?:\D.*)?"
)
PAREN = re.compile(r"\(\d{1,5}\)[ -]?\d{2,4}(?:[ -]?\d{2,4}){1,3}")
NANP = re.compile(r"(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([-. ]))\d{3}[-. ]\d{4}")
NANP_DIALLED = re.compile(r"(?:00|011[-. ])?1[-. ]\(?[2-9]\d\d\)?[-. ]\d{3}[-. ]\d{4}")
EXTENSION = re.compile(r"\s?(?:x|ext\.?|extension)\s?\d{1,6}(?!\d)", re.IGNORECASE)
DECIMAL = re.compile(r"\d{1,3}(?:[. ]\d{3})+|\d+[.]\d+")
NATIONAL = (9, 12)
"""Digits of a number with the trunk prefix 0."""
LOCAL = (6, LONGEST)


def nearest_word(before: str) -> str:
    """Return "phone", "other" or "": what the last word says of which one tells what number follows `before`."""
    last = ""
    for match in WORDS.finditer(before[-CONTEXT:]):
        last = match.lastgroup or ""
    return last


def is_phone(written: str, before: str, after: str) -> bool:
    """Return whether digits in groups are a phone number.

    Args:
        written: from its first digit, "+" or "(" to its last digit, in plain ASCII.
        before: what stands before it; the last `CONTEXT` characters count.
        after: what stands behind it; `AFTER` characters count.
    """
    digits = "".join(filter(str.isdigit, written))
    if _is_international(written, digits):
        return True
    if DATE.fullmatch(written) or UNIT.match(after) or CURRENCY.search(before[-2:]):
        return False
    word = nearest_word(before)
    if LABEL.match(after[:AFTER]):
        word = "phone"
    if word == "other":
        return False
    if word == "phone" and LOCAL[0] < len(digits) <= LOCAL[1]:
        return True
    return _is_grouped(written, digits)


def _is_international(written: str, digits: str) -> bool:
    plus = written.lstrip("(").startswith("+")
    bare = digits if plus else digits.removeprefix("00") if written.startswith("00") else ""
    if not bare or not 8 <= len(bare) <= LONGEST:  # noqa: PLR2004 (with the country's code)
        return False
    if not plus and not re.search(r"\D", written) and len(bare) < 10:  # noqa: PLR2004 (a bare number with zeros in front)
        return False
    if bare[0] in "17":
        return len(bare) == 11  # noqa: PLR2004 (North America, Russia and Kazakhstan have numbers of one length)
    return bare[:2] in CALLING_CODES or bare[:3] in CALLING_CODES


def _is_grouped(written: str, digits: str) -> bool:
    """Return whether it is grouped as numbers of a country are, and as nothing else is."""
    if NANP.fullmatch(written) or NANP_DIALLED.fullmatch(written):
        return True
    if PAREN.fullmatch(written) and 7 <= len(digits) <= 11:  # noqa: PLR2004 (with an area's code)
        return True
    groups = re.split(r"\D+", written)
    trunk = digits[0] == "0" and digits[1] != "0" and NATIONAL[0] <= len(digits) <= NATIONAL[1]
    return trunk and 1 < len(groups) <= 6 and len(groups[0]) <= 6 and not DECIMAL.fullmatch(written)  # noqa: PLR2004 (no more are usual)
