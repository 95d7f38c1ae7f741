"""What the shop's templates need: money, drawings, values of specifications."""

from decimal import Decimal

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from commerce.cards import written
from commerce.money import format_money

register = template.Library()

#: The drawings that there are; anything else is shown as a box.
DRAWINGS = frozenset({
    "laptop", "ultrabook", "gaming", "phone", "earbuds", "charger", "monitor", "keyboard", "headphones", "dock",
    "sleeve", "watch", "tablet", "mouse",
})  # fmt: skip


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """An amount as English pages write it; nothing for None."""
    return "" if amount is None else format_money(amount, currency)


@register.filter
def told(value: object) -> str:
    """The value of a specification or option as people read it."""
    return written(value)


@register.filter
def chosen(options: object) -> str:
    """The options of a variant or an item in one line: “256 GB, graphite”."""
    values = options.values() if isinstance(options, dict) else ()
    return ", ".join(filter(None, map(written, values)))


@register.simple_tag
def drawing(name: str) -> SafeString:
    """The drawing of a product; its name stands beside it, so that screen readers skip it."""
    symbol = f"art-{name}" if name in DRAWINGS else "box"
    return format_html(
        '<svg class="art" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), symbol
    )  # fmt: skip


@register.simple_tag
def stars(rating: Decimal | None) -> SafeString:
    """A rating with its star; nothing for None."""
    if rating is None:
        return SafeString("")
    return format_html(
        '<span class="rating"><svg class="icon" aria-hidden="true"><use href="{}#star"/></svg>'
        '<span class="num">{}</span><span class="sr"> of 5 stars</span></span>',
        static("icons.svg"), rating,
    )  # fmt: skip
