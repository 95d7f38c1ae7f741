"""What stands below a reply: cards that tools show, and changes that wait for the customer's word.

The same HTML goes into frames, for pages that watch, and into pages that are loaded later.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from agents.events import ActionDone, ActionProposed
from agents.models import OPEN_STATES, Action, ActionState
from chat.models import UNFINISHED, Message, Role
from chat.wording import words_of
from commerce.money import format_money
from tenants.models import Tenant

log = logging.getLogger(__name__)

KINDS = ("products", "comparison", "order", "choices")
SENDING = "sending"  # of an action whose button is pressed and not yet answered
MINUTE = timedelta(minutes=1)
BADGES = {"cancelled": "badge-bad", "returned": "", "delayed": "badge-warn"}  # of an order's status; others are good
#: How an action that needs nothing more from the customer looks: its picture, its words, and those that follow.
SETTLED = {
    SENDING: ("", "sending", "leave"),
    ActionState.RUNNING: ("", "sending", "leave"),
    ActionState.APPROVAL: ("person", "approval", "approval_next"),
    ActionState.DONE: ("check", "done", ""),
    ActionState.FAILED: ("alert", "failed", ""),
    ActionState.DECLINED: ("x", "declined", "nothing_changed"),
    ActionState.REFUSED: ("x", "refused", ""),
    ActionState.EXPIRED: ("clock", "expired", "ask_again"),
}
TOLD = (ActionState.DONE, ActionState.FAILED, ActionState.REFUSED)  # with the sentence on what became of it


@dataclass(frozen=True, slots=True)
class ShownAction:
    """A proposed change as its card shows it; `summary` says what is to happen, or what became of it."""

    id: uuid.UUID
    state: str
    summary: str
    detail: Mapping[str, Any]
    expires_at: datetime | None = None


def render_card(kind: str, data: Mapping[str, Any], tenant: Tenant) -> SafeString:
    """The HTML of a tool's card; nothing for a kind that is not known."""
    if kind not in KINDS:
        log.warning("There is no card of kind %r", kind)
        return SafeString("")
    context: dict[str, Any] = {"data": data, "words": words_of(_language(data, tenant)), "slug": tenant.slug}
    if kind == "comparison":
        rows = data.get("rows", [])
        context |= {part: [row for row in rows if bool(row.get("differs")) is (part == "differing")]
                    for part in ("differing", "alike")}  # fmt: skip
    elif kind == "order":
        context["badge"] = BADGES.get(str(data.get("status", "")).lower(), "badge-good")
    return render_to_string(f"chat/_card_{kind}.html", context)


def render_action(action: ShownAction, tenant: Tenant, *, with_buttons: bool = True) -> SafeString:
    """The HTML of a proposed change: with buttons while it waits for the customer, else with what became of it."""
    language = _language(action.detail, tenant)
    words = words_of(language)
    left = action.expires_at - timezone.now() if action.expires_at else None
    state = action.state
    if state == ActionState.PROPOSED and left is not None and left <= timedelta(0):
        state = ActionState.EXPIRED
    context: dict[str, Any] = {"action": action, "state": state, "words": words, "with_buttons": with_buttons}
    if state in SETTLED:
        picture, head, after = SETTLED[state]
        told = action.summary.removeprefix(words[head]).lstrip() if state in TOLD else ""
        context |= {"picture": picture, "head": words[head], "told": told, "after": words.get(after, "")}
    else:
        minutes = max(1, round(left / MINUTE)) if left else 0
        context["left"] = words["left_one" if minutes == 1 else "left"].format(count=minutes) if left else ""
        context["amount"] = _amount(action.detail, language)
    return render_to_string("chat/_action.html", context)


def render_sending(tenant: Tenant) -> SafeString:
    """The HTML of any change whose button has just been pressed."""
    return render_action(ShownAction(uuid.UUID(int=0), SENDING, "", {}), tenant)


def _language(detail: Mapping[str, Any], tenant: Tenant) -> str:
    """The language that a card was written in, so that its words and buttons are in the same; else the tenant's."""
    return str(detail.get("language") or tenant.language)


def _amount(detail: Mapping[str, Any], language: str) -> str:
    """The amount of a change; one that is no number, or nothing, stays as it is written."""
    amount = detail.get("amount")
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return str(amount or "")
    return format_money(number, str(detail.get("currency") or ""), language) if number else ""


def proposed_fields(event: ActionProposed, tenant: Tenant) -> dict[str, Any]:
    """Fields of `action.proposed`."""
    expires_at = datetime.fromisoformat(event.expires_at) if event.expires_at else None
    shown = ShownAction(uuid.UUID(event.action), event.state, event.summary, event.detail, expires_at)
    return {
        "action": event.action, "summary": event.summary, "detail": event.detail, "expires_at": event.expires_at,
        "state": event.state, "html": render_action(shown, tenant),
    }  # fmt: skip


def done_fields(event: ActionDone, tenant: Tenant) -> dict[str, Any]:
    """Fields of `action.done`, whose card takes the place of the one that was proposed."""
    shown = ShownAction(uuid.UUID(event.action), event.state, event.summary, {"language": event.language})
    return {
        "action": event.action, "ok": event.ok, "summary": event.summary, "state": event.state,
        "html": render_action(shown, tenant),
    }  # fmt: skip


def shown_actions(actions: Iterable[Action]) -> list[ShownAction]:
    """Actions as they stand now; those whose button is pressed and not yet answered are being sent. Needs the scope."""
    actions = list(actions)
    waiting = [action.pk for action in actions if action.state in OPEN_STATES]
    sending: set[uuid.UUID] = set()
    if waiting:
        pressed = Message.objects.filter(reply_to__action__in=waiting, state__in=UNFINISHED)
        sending.update(pressed.values_list("reply_to__action", flat=True))
    return [_shown(action, sending=action.pk in sending) for action in actions]


def _shown(action: Action, *, sending: bool) -> ShownAction:
    state = SENDING if sending and action.state == ActionState.PROPOSED else action.state
    return ShownAction(action.pk, state, action.outcome or action.summary, action.detail, action.expires_at)


def attach(messages: Sequence[Message], tenant: Tenant, *, with_buttons: bool = True) -> None:
    """Gives each message `attached`: the HTML of its cards, and of what it proposed as that stands now.

    Only the customer's own page has buttons. Needs the tenant's scope; one query for all, and one more where something
    still waits.
    """
    replies = [message.pk for message in messages if message.role == Role.ASSISTANT]
    actions = list(Action.objects.filter(reply__in=replies)) if replies else []
    of_reply: dict[uuid.UUID, list[SafeString]] = {}
    for action, shown in zip(actions, shown_actions(actions), strict=True):
        of_reply.setdefault(action.reply, []).append(render_action(shown, tenant, with_buttons=with_buttons))
    for message in messages:
        cards = [render_card(card.get("kind", ""), card.get("data", {}), tenant) for card in message.cards]
        message.attached = [*cards, *of_reply.get(message.pk, [])]  # type: ignore[attr-defined] # for the template
