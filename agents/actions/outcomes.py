"""What became of a change, for whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.actions.phrases import say
from agents.events import ActionDone, ActionProposed, Event, Handover
from agents.models import Action, ActionState

if TYPE_CHECKING:
    import uuid


@dataclass(frozen=True, slots=True)
class Decided:
    """How an action stands.

    Attributes:
        action: the row as it is now.
        ran: whether this very call moved it: run, declined, passed on, refused. False for a repeated word.
        state: one of `ActionState`.
        outcome: sentences for the customer.
        data: what the change returned, for the model: the changed record, or an error.
        handover: why a person has to see to it; empty where none has to.
    """

    action: Action
    ran: bool
    state: ActionState
    outcome: str
    data: Any = None
    handover: str = ""

    @property
    def ok(self) -> bool:
        """Whether the change is made."""
        return self.state == ActionState.DONE


def standing(action: Action, *, ran: bool = False, handover: str = "") -> Decided:
    """Return how an action stands."""
    state = ActionState(action.state)
    return Decided(action, ran, state, _outcome(action, state), _data(action, state), handover)


def as_events(decided: Decided) -> list[Event]:
    """Return what is shown of it: the card's end, and the hand-over where a person has to see to it."""
    action: uuid.UUID = decided.action.pk
    language = str(decided.action.detail.get("language", ""))
    events: list[Event] = [ActionDone(str(action), decided.ok, decided.outcome, str(decided.state), language)]
    if decided.handover:
        events.append(Handover(decided.handover, decided.action.summary))
    return events


def as_proposal(action: Action) -> ActionProposed:
    """Return what is shown of a change that waits for the customer's word."""
    expires = action.expires_at.isoformat()
    return ActionProposed(str(action.pk), action.summary, action.detail, expires, str(action.state))


def _outcome(action: Action, state: ActionState) -> str:
    if action.outcome:
        return action.outcome
    texts = {ActionState.PROPOSED: "unchanged", ActionState.DONE: "", ActionState.FAILED: "fail"}
    key = texts.get(state, str(state))
    return say(str(action.detail.get("language", "")), key) if key else action.summary


def _data(action: Action, state: ActionState) -> Any:
    if state == ActionState.DONE:
        return action.result.get("result")
    return {"status": str(state), **({"error": action.result["error"]} if "error" in action.result else {})}
