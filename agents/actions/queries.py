"""Reads of proposed changes, in the tenant's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from agents.models import Action, ActionState, AgentPolicy
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    import uuid

    from django.db.models import QuerySet

ANYTHING = """
    SELECT EXISTS (SELECT 1 FROM agents_action WHERE conversation = %s AND tenant_id = %s)
        OR EXISTS (SELECT 1 FROM agents_toolcall WHERE conversation = %s AND tenant_id = %s)
"""


def is_eventful(conversation: uuid.UUID) -> bool:
    """Whether tools were used in a conversation or changes proposed. Every turn pays for this question: no ORM."""
    tenant = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(ANYTHING, [conversation, tenant, conversation, tenant])
        eventful: bool = cursor.fetchone()[0]
    return eventful


def open_actions(conversation: uuid.UUID) -> list[Action]:
    """The changes of a conversation that wait for the customer's word and have not expired, oldest first."""
    return list(
        Action.objects.filter(
            conversation=conversation, state=ActionState.PROPOSED, expires_at__gt=timezone.now()
        ).select_related("customer")
    )


def actions_of(conversation: uuid.UUID) -> QuerySet[Action]:
    """All changes that were proposed in a conversation, oldest first.

    One that is past its time is still "proposed" here until `expire_due` has seen it: ask `is_open`.
    """
    actions: QuerySet[Action] = Action.objects.filter(conversation=conversation).select_related("customer")
    return actions


def waiting_for_approval(conversation: uuid.UUID | None = None) -> QuerySet[Action]:
    """Changes that wait for a person, of one conversation or of all, oldest first."""
    actions: QuerySet[Action] = Action.objects.filter(state=ActionState.APPROVAL).select_related("customer")
    return actions if conversation is None else actions.filter(conversation=conversation)


def is_open(action: Action) -> bool:
    """Whether the customer may still confirm or decline."""
    return action.state == ActionState.PROPOSED and action.expires_at > timezone.now()


def policy_of_tenant() -> AgentPolicy:
    """What the agent may do in the tenant in scope; the defaults where nothing was set."""
    policy: AgentPolicy = AgentPolicy.objects.first() or AgentPolicy()
    return policy
