"""How grave a complaint is, from what it says and what it is about."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from commerce.models import Complaint, Customer, Order, OrderItem
from commerce.models.care import ComplaintKind, ComplaintStatus, Severity
from commerce.money import ZERO

#: Words of danger to people, in the languages in which the agent speaks.
DANGER = re.compile(
    r"\b(?:fire|flames?|smok(?:e|ing)|burn(?:s|t|ed|ing)?|explo(?:de[ds]?|ding|sion)|shocks?|shocked|electrocut\w*"
    r"|injur\w+|hurt|bleed\w*|bled|hospital|danger(?:ous)?|unsafe|overheat\w*|melt(?:s|ed|ing)?|swollen|swelling"
    r"|fuego|incendi\w+|humo|quem\w+|explot\w+|descarga|herid\w+|peligro\w*|recalient\w+|hinchad\w+"
    r"|feuer|brenn\w*|brand|rauch\w*|verbrann\w*|explodier\w*|stromschlag|verletz\w*|gefährlich\w*|überhitz\w*"
    r"|feu|fumée|brûl\w+|explos\w+|électrocut\w*|bless\w+|danger\w*|surchauff\w*|gonflée?)\b",
    re.IGNORECASE,
)
HIGH_VALUE = Decimal(500)  # in the shop's currency
VERY_LATE = 7  # days after the day it was expected
RECENT = dt.timedelta(days=90)


def severity_of(
    *, customer: Customer, order: Order | None, items: Sequence[OrderItem], kind: ComplaintKind, text: str
) -> Severity:
    """High: danger to people, a repeated complaint, 500 or more at stake, or a week late. Low: words about service."""
    worth = sum((item.price for item in items), ZERO)
    late = kind == ComplaintKind.LATE and days_late(order) > VERY_LATE
    if DANGER.search(text) or late or worth >= HIGH_VALUE or _repeated(customer, order):
        return Severity.HIGH
    return Severity.LOW if kind in (ComplaintKind.SERVICE, ComplaintKind.OTHER) else Severity.MEDIUM


def days_late(order: Order | None) -> int:
    """How many days ago the order was expected; 0 when that is to come, or not known."""
    if order is None or order.expected_on is None:
        return 0
    return max((timezone.localdate() - order.expected_on).days, 0)


def _repeated(customer: Customer, order: Order | None) -> bool:
    """Whether they complained about this order before, or have another complaint open since lately."""
    earlier = Complaint.objects.filter(customer=customer)
    if order is not None and earlier.filter(order=order).exists():
        return True
    waiting = earlier.exclude(status=ComplaintStatus.RESOLVED)
    return bool(waiting.filter(created_at__gte=timezone.now() - RECENT).exists())
