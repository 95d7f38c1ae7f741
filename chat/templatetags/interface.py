"""What the templates need beyond Django's own: icons, bars, names."""

from datetime import datetime

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from chat.queries import LOW_RATING
from chat.reviewing import UNSURE

register = template.Library()

FULL = 100  # width of a bar in its own units


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A picture from the sprite, hidden from screen readers: the text beside it, or the label around it, says it."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f" {extra}" if extra else "", static("icons.svg"), name,
    )  # fmt: skip


@register.simple_tag
def bar(share: float, kind: str = "", start: float = 0.0) -> SafeString:
    """A bar from `start` over `share`, both 0..1; its geometry is in attributes, as no inline style is allowed."""
    left = min(max(start, 0.0), 1.0)
    width = min(max(share, 0.0), 1.0 - left)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect{} x="{}" width="{}" height="6"/></svg>',
        format_html(' class="{}"', kind) if kind else "", f"{left * FULL:.4g}", f"{width * FULL:.4g}",
    )  # fmt: skip


@register.simple_tag
def moment(value: object, shape: str = "clock") -> SafeString:
    """A time that `js/times.js` writes in the reader's zone and words; before that in UTC. Nothing for no time.

    Shapes: clock (10:24), rail (a clock today, else a weekday or a date), day (Today, or a date).
    """
    if not isinstance(value, datetime):
        return SafeString("")
    now = shape == "rail" and localtime(value).date() == localtime().date()
    written = localtime(value).strftime("%H:%M" if now or shape == "clock" else "%-d %B")
    return format_html('<time datetime="{}" data-shape="{}">{}</time>', value.isoformat(), shape, written)


@register.filter
def person(user: User | AnonymousUser | None) -> str:
    """How a user is called; nothing for one whose account is gone."""
    if user is None:
        return ""
    return (user.get_full_name() if isinstance(user, User) else "") or user.get_username()


@register.filter
def initials(name: str) -> str:
    """At most two letters for an avatar."""
    words = name.replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def is_unsure(confidence: float | None) -> bool:
    """Whether the agent was not sure of a reply."""
    return confidence is None or confidence < UNSURE


@register.filter
def is_low(rating: int) -> bool:
    """Whether a customer's stars are few."""
    return rating <= LOW_RATING


@register.filter
def percent(share: float | None) -> str:
    """0.41 as 41%; nothing for None."""
    return "" if share is None else f"{share:.0%}"


@register.filter
def score(value: float | None) -> str:
    """A score with two decimals, the way figures between 0 and 1 are read: .74 for 0.74."""
    if value is None:
        return ""
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"
