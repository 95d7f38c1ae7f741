"""Amounts of money: decimals with two places, rounded half up, and how they are written."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def cents(amount: Decimal) -> Decimal:
    """The amount to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def has_cents_only(amount: Decimal) -> bool:
    """Whether the amount is a number of whole cents."""
    return amount.is_finite() and amount == cents(amount)


SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
#: What separates thousands and decimals where the amount comes before the sign.
SEPARATORS = {"de": (".", ","), "es": (".", ","), "fr": (NARROW, ",")}


def format_money(amount: Decimal, currency: str, language: str = "en") -> str:
    """An amount to the cent, as it is written in a language: $1,099.98, in de, es and fr 1.099,98 $.

    `currency` has three letters; one without a sign of its own is written out: CHF 49.00. Of the language the first
    part counts ("de-AT"); one that is not known is written as English.
    """
    rounded = cents(amount)
    minus = "-" if rounded < 0 else ""
    figures, sign = f"{abs(rounded):,.2f}", SYMBOLS.get(currency.upper(), currency.upper())
    separators = SEPARATORS.get(language.lower().replace("_", "-").split("-")[0])
    if separators is None:
        return f"{minus}{sign}{'' if currency.upper() in SYMBOLS else NO_BREAK}{figures}"
    thousands, decimals = separators
    figures = "".join({",": thousands, ".": decimals}.get(character, character) for character in figures)
    return f"{minus}{figures}{NO_BREAK}{sign}"
