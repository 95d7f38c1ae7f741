"""What needs a person's approval."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from agents.actions.queries import policy_of_tenant
from agents.actions.wording import moved
from agents.models import Action, ActionState

if TYPE_CHECKING:
    from commerce.services.changes import Change

DAY = dt.timedelta(hours=24)
COUNTED = (ActionState.DONE, ActionState.RUNNING, ActionState.APPROVAL)
LOCK = 7_301_113  # the first key of the advisory lock, this module's own


def over_amount(change: Change) -> bool:
    """Whether the change moves more money than the tenant lets it without a person."""
    limit = policy_of_tenant().approval_amount
    return limit is not None and moved(change) > limit


def over_daily_changes(action: Action) -> bool:
    """Whether the customer has confirmed as many changes in the last 24 hours as the tenant lets them.

    Two confirmations of one customer wait for each other here, so that both are counted.
    """
    limit = policy_of_tenant().daily_changes
    if limit is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, (action.customer_id or 0) % 2**31])
    recent = Action.objects.filter(state__in=COUNTED, confirmed_at__gt=timezone.now() - DAY).exclude(pk=action.pk)
    own = (
        recent.filter(customer=action.customer_id)
        if action.customer_id
        else recent.filter(conversation=action.conversation)
    )
    return int(own.count()) >= limit
