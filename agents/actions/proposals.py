"""Proposing a change: it is tried in a savepoint, put into words, and waits for the customer."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from agents.actions.queries import policy_of_tenant
from agents.actions.wording import describe, describe_external
from agents.models import OPEN_STATES, Action, ActionState
from agents.session import lock_session
from agents.tools.base import ToolError
from commerce.services.errors import CommerceError
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.actions.wording import Wording
    from agents.models import ToolCall
    from agents.tools.base import Tool, ToolContext

MAX_OPEN = 5
"""Changes that may wait in one conversation."""


def propose(context: ToolContext, tool: Tool, arguments: Mapping[str, Any], call: ToolCall | None = None) -> Action:
    """Return the action that waits for the customer's word; nothing is changed.

    What the customer is told is what would happen now: a shop's change is made and rolled back. A model that repeats
    itself gets the same action again, with its time renewed; if what would happen has changed meanwhile, the old
    action ends and a new one stands for it. Runs in the tenant's scope.

    Raises:
        ToolError: the change is not possible, for the reason given; or "not_verified", or "too_many_open".
    """
    customer = context.known_customer() if tool.needs_customer or not tool.external else context.customer
    plain = json.loads(json.dumps(dict(arguments), default=str))
    lock_session(context.conversation)  # a model may ask for the same twice at once
    wording = _words(context, tool, plain)
    same = _open_twin(context, tool, plain)
    if same is not None and same.state != ActionState.PROPOSED:
        return same
    if same is not None and wording.promises_the_same(same.summary, same.detail):
        return _renewed(same, context, wording)
    if same is not None:
        expire(same)
    waiting = Action.objects.filter(
        conversation=context.conversation, state=ActionState.PROPOSED, expires_at__gt=timezone.now()
    )
    if waiting.count() >= MAX_OPEN:
        raise ToolError(
            f"{MAX_OPEN} changes wait for the customer already. Ask them to confirm or decline those first.",
            code="too_many_open",
        )
    action: Action = Action.objects.create(
        conversation=context.conversation,
        reply=context.reply,
        call=call,
        customer=customer,
        tool=tool.name,
        arguments=plain,
        summary=wording.summary,
        detail=wording.detail,
        amount=wording.amount,
        expires_at=_expiry(),
    )
    audit(action, "proposed", actor=context.actor)
    return action


def expire(action: Action) -> None:
    """End an action that was not decided in time, or that another has taken the place of."""
    action.state, action.finished_at = ActionState.EXPIRED, timezone.now()
    action.save(update_fields=["state", "finished_at"])
    audit(action, "expired", actor="askwell")


def audit(action: Action, step: str, *, actor: str, **detail: object) -> None:
    """Write a step of an action into the audit trail."""
    record_audit(
        actor=actor,
        action=f"action.{step}",
        target=str(action.pk),
        detail={"tool": action.tool, "amount": str(action.amount), **detail},
    )


def _words(context: ToolContext, tool: Tool, arguments: dict[str, Any]) -> Wording:
    """Return what would happen, in words; what was done to find out is undone."""
    if tool.external:
        return describe_external(tool, arguments, context.language)
    try:
        with transaction.atomic():
            change = tool.function(context, **arguments)
            wording = describe(change, context.known_customer(), context.language)
            transaction.set_rollback(True)
    except CommerceError as error:
        raise ToolError(str(error), code=error.code) from error
    return wording


def _open_twin(context: ToolContext, tool: Tool, arguments: dict[str, Any]) -> Action | None:
    """Return the open action of the same tool with the same arguments in this conversation."""
    open_ones = Action.objects.filter(
        conversation=context.conversation, tool=tool.name, arguments=arguments, state__in=OPEN_STATES
    )
    twin: Action | None = open_ones.select_for_update().order_by("-created_at").first()
    if twin is not None and twin.state == ActionState.PROPOSED and twin.expires_at <= timezone.now():
        expire(twin)
        return None
    return twin


def _renewed(action: Action, context: ToolContext, wording: Wording) -> Action:
    """Give the action its full time again; it belongs to the reply that proposes it now."""
    action.expires_at, action.reply, action.detail = _expiry(), context.reply, wording.detail
    action.save(update_fields=["expires_at", "reply", "detail"])
    return action


def _expiry() -> dt.datetime:
    return timezone.now() + dt.timedelta(minutes=policy_of_tenant().action_minutes)
