"""How figures of costs are written."""

from decimal import Decimal

from django import template

register = template.Library()

DIMES, CENTS = Decimal(1), Decimal("0.01")


@register.filter
def usd(amount: Decimal) -> str:
    """US dollars: to the cent from one dollar on, and with up to six places below, where replies have their prices."""
    if not amount:
        return "$0.00"
    places = 2 if abs(amount) >= DIMES else 4 if abs(amount) >= CENTS else 6
    return f"${amount:,.{places}f}"


@register.filter
def thousands(number: int) -> str:
    """A whole number, readable: 1,234,567."""
    return f"{number:,}"
