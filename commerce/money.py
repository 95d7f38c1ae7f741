"""Amounts of money: decimals with two places, rounded half up."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def cents(amount: Decimal) -> Decimal:
    """The amount to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def has_cents_only(amount: Decimal) -> bool:
    """Whether the amount is a number of whole cents."""
    return amount.is_finite() and amount == cents(amount)
