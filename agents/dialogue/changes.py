"""Changes by dialogue: what is missing is asked for, problems are said early, and the change is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.actions import propose
from agents.dialogue import complaints, goals, refunds, slots, variants
from agents.dialogue.finding import order_of
from agents.dialogue.requests import INTENT_OF
from agents.dialogue.saying import plain
from agents.dialogue.slots import ASKED, ENDED, FILLED, OrderGone, Step
from agents.dialogue.state import PARKED, Task
from agents.tools.base import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.dialogue.state import Option, Request
    from agents.dialogue.talk import Talk

MAX_TRIES = 3
"""Answers to one question that are not understood before a person is suggested."""

STEPS: dict[str, tuple[Step, ...]] = {
    goals.CANCEL: (slots.order, slots.reason),
    goals.ADDRESS: (slots.scope, slots.order, slots.address),
    goals.PAYMENT: (slots.order, slots.new_method),
    goals.RETURN: (slots.order, slots.items, slots.refund_method),
    goals.SWAP: (slots.order, slots.items, variants.new_items, variants.method),
    goals.REFUND: (slots.order, refunds.amount, refunds.refund_reason),
    goals.COMPLAINT: (complaints.order, complaints.text, complaints.wanted),
}
READERS: dict[str, Callable[[Talk, Task], bool]] = {
    "order": slots.read_order,
    "scope": slots.read_scope,
    "reason": slots.read_reason,
    "items": slots.read_items,
    "method": slots.read_method,
    "address": slots.read_address,
    "amount": refunds.read_amount,
    "refund_reason": refunds.read_refund_reason,
    "variant": variants.read_variant,
    "complaint_order": complaints.read_order,
    "text": complaints.read_text,
    "wanted": complaints.read_wanted,
}
SAID_CODES = {
    "balance_too_low": "error_balance",
    "unavailable": "error_unavailable",
    "wrong_method": "error_method",
    "same_method": "error_method",
    "same_item": "error_same_item",
    "too_many": "error_too_many",
    "wrong_amount": "error_amount",
    "bad_address": "address_unclear",
}


def begin(talk: Talk, request: Request) -> None:
    """Begin a change; one that is asked for while another is being talked about follows it."""
    kind = request.goal
    if not any(name in talk.tools for name in _tool_names(kind)):
        talk.ask_documents(request.text)
        return
    task = Task(
        kind,
        request.text,
        {
            "numbers": [number for number in request.orders if not number.startswith(("RFD-", "CMP-"))],
            "products": request.products,
            "amounts": request.amounts,
            "back": request.back,
            "place": request.place,
            "message": talk.text if kind == goals.ADDRESS else "",
        },
    )
    talk.grounded = True
    if talk.state.task:
        task.queued = True
        talk.state.parked = [*talk.state.parked, task][:PARKED]
        return
    talk.state.task = task
    proceed(talk)


def proceed(talk: Talk) -> None:
    """Fill what can be filled, ask for the first thing that cannot, and propose the change when nothing is missing."""
    task = talk.state.task
    if task is None:
        return
    if task.tries >= MAX_TRIES:
        talk.state.task, talk.state.options = None, []
        talk.say("not_possible")
        return
    task.asked, talk.state.options = "", []
    outcome = _fill(talk, task)
    if outcome == ASKED:
        return
    talk.state.task = None
    if outcome == FILLED:
        _propose(talk, task)
    else:
        talk.state.options = []
    _next(talk)


def _fill(talk: Talk, task: Task) -> str:
    """Take the steps of a task until one has to ask or ends it."""
    try:
        outcomes = (step(talk, task) for step in STEPS[task.kind])
        return next((outcome for outcome in outcomes if outcome != FILLED), FILLED)
    except OrderGone as gone:
        talk.say("order_not_found", code=plain(gone))
        return ENDED


def read_answer(talk: Talk, task: Task) -> bool:
    """Take the message as the answer to what was asked; returns whether it is one."""
    reader = READERS.get(task.asked)
    try:
        return bool(reader and reader(talk, task))
    except OrderGone:
        return True  # the next step says so


def ask_again(talk: Talk, task: Task, options: list[Option]) -> None:
    """Ask the same with the few options that an answer leaves."""
    asked = task.asked
    proceed(talk)
    if talk.state.task is task and task.asked == asked and talk.cards:
        talk.cards.pop()
        talk.offer(options)


def _next(talk: Talk) -> None:
    """Begin what was asked for together with the task that has just come to its end."""
    state = talk.state
    if state.parked and state.parked[0].queued:
        task, state.parked = state.parked[0], state.parked[1:]
        task.queued = False
        talk.end_paragraph()
        state.task = task
        proceed(talk)


def intent_of_tool(name: str) -> str:
    """Return the intent of a change."""
    kind = next((kind for kind in STEPS if name in _tool_names(kind)), "")
    return INTENT_OF.get(kind, "general")


def _tool_names(kind: str) -> tuple[str, ...]:
    return {
        goals.CANCEL: ("cancel_pending_order",),
        goals.ADDRESS: ("modify_pending_order_address", "modify_user_address"),
        goals.PAYMENT: ("modify_pending_order_payment",),
        goals.RETURN: ("return_delivered_order_items",),
        goals.SWAP: ("modify_pending_order_items", "exchange_delivered_order_items"),
        goals.REFUND: ("request_refund",),
        goals.COMPLAINT: ("file_complaint",),
    }[kind]


def _call_of(talk: Talk, task: Task) -> tuple[str, dict[str, Any]]:
    """Return the tool and the arguments that a task has come to."""
    filled = task.slots
    order: dict[str, Any] = {"order_id": filled["order"]} if filled.get("order") else {}
    if task.kind == goals.ADDRESS and filled["scope"] == "account":
        return "modify_user_address", {"user_id": talk.context.known_customer().code, **filled["address"]}
    if task.kind == goals.SWAP:
        found = order_of(talk, filled["order"])
        delivered = found is not None and found.status == "delivered"
        name = "exchange_delivered_order_items" if delivered else "modify_pending_order_items"
        new = {"item_ids": filled["items"], "new_item_ids": filled["new"]}
        return name, {**order, **new, "payment_method_id": filled["method"]}
    made: dict[str, dict[str, Any]] = {
        goals.CANCEL: {"reason": filled.get("reason")},
        goals.ADDRESS: filled.get("address") or {},
        goals.PAYMENT: {"payment_method_id": filled.get("method")},
        goals.RETURN: {"item_ids": filled.get("items"), "payment_method_id": filled.get("method")},
        goals.REFUND: {"amount": filled.get("amount"), "reason": filled.get("refund_reason")},
        goals.COMPLAINT: complaints.arguments(filled),
    }
    return _tool_names(task.kind)[0], {**order, **made[task.kind]}


def _propose(talk: Talk, task: Task) -> None:
    """Propose the change and say what will happen."""
    name, arguments = _call_of(talk, task)
    tool = talk.tools.get(name)
    if tool is None:
        talk.say("not_possible")
        return
    talk.calls.append(name)
    try:
        action = propose(talk.spoken_context(), tool, arguments)
    except ToolError as error:
        key = SAID_CODES.get(error.code, "not_possible")
        talk.say(key)
        return
    talk.proposed.append(action)
    talk.say("proposal_follows", summary=plain(action.summary))
    talk.say("nothing_yet")
    if task.slots.get("order"):
        talk.state.saw_order(task.slots["order"])
