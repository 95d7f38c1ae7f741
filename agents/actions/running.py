"""Running a confirmed change, once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from agents.actions.limits import over_amount
from agents.actions.outcomes import Decided, standing
from agents.actions.phrases import failure, say
from agents.actions.proposals import audit
from agents.actions.signals import settled
from agents.actions.wording import describe, describe_external
from agents.models import Action, ActionState
from agents.tools.base import ToolContext, ToolError, ToolResult
from agents.tools.registry import find_tool
from commerce.services.errors import CommerceError
from tenants.models import Tenant
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    import uuid

    from agents.tools.base import Tool
    from commerce.services.changes import Change

UNANSWERED = ("timeout", "unclear")
"""Of another server's change: it may have been made, nobody knows, and asking again may tell."""
DOUBTFUL = "tool_failure"
"""It answered with an error or could not be reached: a person has to look."""
ATTEMPTS = 2
"""How often another server is asked under the same key before a person sees to it."""
log = logging.getLogger(__name__)


class NeedsApproval(Exception):  # noqa: N818 (no error: it undoes what was tried)
    """The change moves more than the customer may move alone."""


class Changed(Exception):  # noqa: N818 (named for what happened)
    """What would be done now is not what the customer agreed to."""


def run_inside(action: Action, tool: Tool, *, actor: str, approved: bool = False) -> Decided:
    """Run a shop's change in the open transaction, on a locked action; a failure undoes all of the change.

    Raises:
        OperationalError: the database gave up, and the action is what it was before.
    """
    try:
        with transaction.atomic():
            change, done = _made(action, tool, actor, approved=approved)
    except NeedsApproval:
        return to_approval(action)
    except Changed:
        return fail(action, "changed", actor=actor)
    except (CommerceError, ToolError) as error:
        return fail(action, error.code, actor=actor, error=str(error))
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # whatever a change throws, it is rolled back and the customer hears that it failed
        log.exception("The change of action %s failed", action.pk)
        return fail(action, "error", actor=actor)
    return _done(action, change.to_json(), done, actor=actor)


def _made(action: Action, tool: Tool, actor: str, *, approved: bool) -> tuple[Change, str]:
    """Make the change and return it with what is said of it; raises where it is not what was agreed to."""
    context = context_of(action, actor)
    change: Change = tool.function(context, **action.arguments)
    wording = describe(change, context.known_customer(), context.language)
    if not wording.promises_the_same(action.summary, action.detail):
        raise Changed
    if not approved and over_amount(change):
        raise NeedsApproval
    return change, wording.done


def context_of(action: Action, actor: str) -> ToolContext:
    """Return what the tool is told: of the action, never of a model."""
    tenant = Tenant.objects.get(pk=action.tenant_id)
    return ToolContext(
        tenant_id=action.tenant_id,
        tenant_name=tenant.name,
        language=language_of(action),
        conversation=action.conversation,
        reply=action.reply,
        actor=actor,
        customer=action.customer,
        key=str(action.pk),
    )


def language_of(action: Action) -> str:
    """The language in which the action was proposed."""
    return str(action.detail.get("language", ""))


def to_approval(action: Action) -> Decided:
    """Pass a confirmed change on to a person."""
    action.state = ActionState.APPROVAL
    action.outcome = say(language_of(action), "approval")
    action.save(update_fields=["state", "outcome", "confirmed_at"])
    audit(action, "approval", actor="askwell")
    return standing(action, ran=True, handover="approval")


def mark_running(action: Action) -> None:
    """Note that another server is being asked; from here on it may have made the change."""
    action.state = ActionState.RUNNING
    action.result = {"attempts": 1, "asked_at": timezone.now().isoformat()}
    action.outcome = ""
    action.save(update_fields=["state", "result", "outcome", "confirmed_at", "decided_by"])


def enqueue(action: Action) -> None:
    """Ask a worker to run an action that is marked as running, once this transaction has committed."""
    from agents.actions.jobs import enqueue_run  # the jobs import this module

    enqueue_run(action.tenant_id, action.pk)


def run_outside(tenant_id: int, action_id: uuid.UUID, actor: str, *, tell: bool = False) -> Decided:
    """Ask another server for the change of a running action, outside of any transaction, and note what came of it.

    An answer that does not come leaves the action running, for `recover_running`.
    """
    with tenant_scope(tenant_id):
        action: Action = Action.objects.select_related("customer").get(pk=action_id)
        tool, context = find_tool(tenant_id, action.tool), context_of(action, actor)
    if action.state != ActionState.RUNNING:
        return standing(action)
    outcome: Any
    try:
        outcome = ToolError("The tool is switched off.", code="gone") if tool is None else _asked(tool, context, action)
    except ToolError as error:
        outcome = error
    except Exception as error:  # of somebody else's server: whether it acted is not known, and said so
        log.exception("The change of action %s failed", action_id)
        outcome = ToolError(str(error)[:200], code="unclear")
    with tenant_scope(tenant_id):
        return _noted(action_id, tool, outcome, actor, tell=tell)


def _asked(tool: Tool, context: ToolContext, action: Action) -> Any:
    result = tool.function(context, **action.arguments)
    return result.data if isinstance(result, ToolResult) else result


def _noted(action_id: uuid.UUID, tool: Tool | None, outcome: Any, actor: str, *, tell: bool) -> Decided:
    """Note another server's answer on the action, unless somebody else has noted it meanwhile."""
    action: Action = Action.objects.select_for_update(of=("self",)).select_related("customer").get(pk=action_id)
    if action.state != ActionState.RUNNING:
        return standing(action)
    if isinstance(outcome, ToolError) and outcome.code in UNANSWERED:
        decided = _unclear(action, actor)
    elif isinstance(outcome, ToolError) or tool is None:
        handover = "tool_failure" if outcome.code == DOUBTFUL else ""
        decided = fail(action, outcome.code, actor=actor, error=str(outcome), handover=handover)
    else:
        done = describe_external(tool, action.arguments, language_of(action)).done
        decided = _done(action, {"result": outcome}, done, actor=actor)
    if tell and decided.state != ActionState.RUNNING:
        settled.send(sender=Action, decided=decided)
    return decided


def _unclear(action: Action, actor: str) -> Decided:
    """It will be asked once more under the same key; after that a person sees to it."""
    if action.result.get("attempts", 1) < ATTEMPTS:
        return standing(action, ran=True)
    return fail(action, "unclear", actor=actor, error="The other server did not answer.", handover="tool_failure")


def take_up(action: Action) -> bool:
    """Note that a running action is asked for again; False, and at its end, when that was done before."""
    if action.result.get("attempts", 1) >= ATTEMPTS:
        decided = fail(
            action, "unclear", actor="askwell", error="The other server did not answer.", handover="tool_failure"
        )
        settled.send(sender=Action, decided=decided)
        return False
    action.result = {"attempts": ATTEMPTS, "asked_at": timezone.now().isoformat()}
    action.save(update_fields=["result"])
    return True


def finish(action: Action, state: ActionState, outcome: str) -> None:
    """End an action."""
    action.state, action.outcome, action.finished_at = state, outcome, timezone.now()
    action.save(update_fields=["state", "outcome", "finished_at", "confirmed_at", "decided_by", "result"])


def fail(action: Action, code: str, *, actor: str, error: str = "", handover: str = "") -> Decided:
    """End an action that could not be run; the customer is told why in plain words."""
    action.result = {"error": error or code, "code": code}
    finish(action, ActionState.FAILED, failure(language_of(action), code))
    audit(action, "failed", actor=actor, code=code)
    return standing(action, ran=True, handover=handover)


def _done(action: Action, result: dict[str, Any], done: str, *, actor: str) -> Decided:
    action.result = result
    finish(action, ActionState.DONE, done)
    audit(action, "done", actor=actor)
    return standing(action, ran=True)
