"""The customer's word on a proposed change, and a person's: each change runs once, or not at all.

A shop's change and the row that says it is done are one transaction under a lock on the row, so that of fifty
confirmations one runs it, and a process that dies leaves it proposed or done. Another server's change is first marked
as running, then asked for under the action's id as its idempotency key, then marked as done: see `running`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from agents.actions import running
from agents.actions.limits import over_daily_changes
from agents.actions.outcomes import Decided, standing
from agents.actions.phrases import say
from agents.actions.proposals import audit, expire
from agents.models import Action, ActionState, Session
from agents.tools.registry import find_tool
from tenants.access import access_of
from tenants.models import Role
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    import uuid

    from django.contrib.auth.models import User

MAX_REASON = 300
"""Characters of a person's reason that the customer is told."""


class ActionNotFound(Exception):  # noqa: N818 (named for what happened)
    """There is no such action in this conversation: missing, or of another conversation or tenant."""


def decide(*, tenant_id: int, conversation: uuid.UUID, action_id: uuid.UUID, confirmed: bool, actor: str) -> Decided:
    """Take the customer's word on a proposed change: run it, end it, or pass it on to a person.

    Repeating it is harmless: whoever comes later is told how it stands, with `ran` False.

    Raises:
        ActionNotFound: the conversation has no such action.
        OperationalError: the database is away or gave up; nothing was changed, and the same word may be given again.
    """
    with tenant_scope(tenant_id):
        action = _locked(action_id, conversation)
        decided = _decide(action, actor, confirmed=confirmed)
    if decided.state == ActionState.RUNNING and decided.ran:
        return running.run_outside(tenant_id, action_id, actor)
    return decided


def approve(*, action_id: uuid.UUID, by: User) -> Decided:
    """Agree to a change that the customer has confirmed, and run it. In the tenant's scope.

    Another server's change is run by a worker right after the transaction, which tells of its end by `signals.settled`.

    Raises:
        ActionNotFound: the tenant has no such action.
        PermissionDenied: for anybody but agents and owners.
    """
    _require_agent(by)
    action = _locked(action_id)
    if action.state != ActionState.APPROVAL:
        return standing(action)
    action.decided_by = by.get_username()[:200]
    audit(action, "approved", actor=action.decided_by)
    tool = find_tool(action.tenant_id, action.tool)
    if tool is None:
        return running.fail(action, "gone", actor=action.decided_by)
    if tool.external:
        running.mark_running(action)
        running.enqueue(action)
        return standing(action, ran=True)
    return running.run_inside(action, tool, actor=action.decided_by, approved=True)


def refuse(*, action_id: uuid.UUID, by: User, reason: str = "") -> Decided:
    """Refuse a change that waits for approval; the reason is told to the customer. In the tenant's scope.

    Raises:
        ActionNotFound: the tenant has no such action.
        PermissionDenied: for anybody but agents and owners.
    """
    _require_agent(by)
    action = _locked(action_id)
    if action.state != ActionState.APPROVAL:
        return standing(action)
    action.decided_by = by.get_username()[:200]
    told = " ".join(reason.replace("\0", " ").split())[:MAX_REASON]
    language = running.language_of(action)
    text = say(language, "refused_because", reason=told) if told else say(language, "refused")
    running.finish(action, ActionState.REFUSED, text)
    audit(action, "refused", actor=action.decided_by, reason=told)
    return standing(action, ran=True)


def _decide(action: Action, actor: str, *, confirmed: bool) -> Decided:
    if action.state != ActionState.PROPOSED:
        return standing(action)
    if action.expires_at <= timezone.now():
        expire(action)
        return standing(action)
    if not confirmed:
        running.finish(action, ActionState.DECLINED, say(running.language_of(action), "declined"))
        audit(action, "declined", actor=actor)
        return standing(action, ran=True)
    action.confirmed_at = timezone.now()
    audit(action, "confirmed", actor=actor)
    return _confirmed(action, actor)


def _confirmed(action: Action, actor: str) -> Decided:
    tool = find_tool(action.tenant_id, action.tool)
    if tool is None:
        return running.fail(action, "gone", actor=actor)
    if over_daily_changes(action):
        return running.to_approval(action)
    if tool.external:
        running.mark_running(action)
        return standing(action, ran=True)
    return running.run_inside(action, tool, actor=actor)


def _locked(action_id: uuid.UUID, conversation: uuid.UUID | None = None) -> Action:
    """The action, kept from others until the transaction ends; of a conversation bound to somebody else it is none."""
    rows = Action.objects.select_for_update(of=("self",)).select_related("customer").filter(pk=action_id)
    action: Action | None = (rows if conversation is None else rows.filter(conversation=conversation)).first()
    if action is None:
        raise ActionNotFound
    if action.customer_id and conversation is not None:
        session = Session.objects.filter(conversation=conversation).first()
        if session is None or session.customer_id != action.customer_id:
            raise ActionNotFound
    return action


def _require_agent(by: User) -> None:
    if not access_of(by, None).may(Role.AGENT):
        raise PermissionDenied
