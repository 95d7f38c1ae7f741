"""What a refund needs to know: how much, and why."""
# ruff: noqa: E501 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.references import picked
from agents.dialogue.saying import plain
from agents.dialogue.slots import FILLED, ask, filled_order, named_pieces
from agents.dialogue.state import Option
from commerce.money import ZERO
from commerce.services.refunds import refundable

if TYPE_CHECKING:
    from agents.dialogue.state import Task
    from agents.dialogue.talk import Talk
    from commerce.models import Order

WHY = re.compile(
    r"\b(?:because|since|as (?:it|the|they)|due to|the reason|porque|ya que|debido|weil|da (?:es|sie|der|die|das)|wegen|parce qu\w*|car|[aà] cause)\b\W*(.{3,})",
    re.IGNORECASE | re.DOTALL,
)
FULL = re.compile(
    r"\b(?:full|all|everything|whole|entire|complete|total|tod[oa]|complet[oa]|alles?|ganze[sn]?|vollständig\w*|gesamt\w*|voll\w*|tout|total\w*|enti[eè]re?|int[ée]gral\w*)\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(-?\d[\d.,' ]*)")
MAX_REASON = 300


def amount(talk: Talk, task: Task) -> str:
    """How much is to be paid back."""
    if task.slots.get("amount"):
        return FILLED
    found = filled_order(talk, task)
    most = refundable(found)
    named = [entity for entity in talk.understanding.entities.amounts if entity.label]
    if named and str(named[0].label) != found.currency and task.slots.get("amounts"):
        talk.say("amount_currency", code=plain(found.code), currency=found.currency)
        task.slots["amounts"] = []
    wanted = _named_amount(talk, task, found, most)
    if wanted is not None and _take_amount(talk, task, wanted, most):
        return FILLED
    talk.say("ask_amount", most=talk.money(most, found.currency))
    talk.offer([Option(talk.words("amount_all"), str(most), "all full everything")])
    return ask(task, "amount")


def _named_amount(talk: Talk, task: Task, order: Order, most: Decimal) -> Decimal | None:
    for value in task.slots.get("amounts") or []:
        return Decimal(value)
    if FULL.search(task.text):
        return most
    pieces = list(order.items.all())
    chosen = named_pieces(talk, task.text, pieces, task.slots.get("products") or []) if len(pieces) > 1 else []
    return min(sum((item.price for item in chosen), ZERO), most) if chosen else None


def _take_amount(talk: Talk, task: Task, wanted: Decimal, most: Decimal) -> bool:
    order = filled_order(talk, task)
    if wanted <= 0:
        talk.say("amount_bad")
    elif wanted > most:
        talk.say("amount_too_much", most=talk.money(most, order.currency), code=plain(order.code))
    else:
        task.slots["amount"] = str(wanted)
        return True
    task.slots["amounts"] = []
    return False


def read_amount(talk: Talk, task: Task) -> bool:
    """Take an amount, or all of it."""
    found = filled_order(talk, task)
    most = refundable(found)
    entities = talk.understanding.entities.amounts
    if entities and entities[0].label and entities[0].label != found.currency:
        talk.say("amount_currency", code=plain(found.code), currency=found.currency)
        return True
    wanted = Decimal(str(entities[0].value)) if entities else _bare(talk.text)
    if wanted is None and (FULL.search(talk.text) or picked(talk.state.options, talk.text)):
        wanted = most
    if wanted is None:
        return False
    _take_amount(talk, task, wanted, most)
    return True


def _bare(text: str) -> Decimal | None:
    match = NUMBER.search(text)
    if match is None:
        return None
    try:
        return Decimal(match[1].replace(" ", "").replace("'", "").rstrip(".,").replace(",", "."))
    except InvalidOperation:
        return None


def refund_reason(talk: Talk, task: Task) -> str:
    """Why money is to be paid back, in the customer's words."""
    if task.slots.get("refund_reason"):
        return FILLED
    because = WHY.search(task.text)
    if because or goals.IMPLICIT_COMPLAINT.search(task.text):
        task.slots["refund_reason"] = (because[1] if because else task.text).strip()[:MAX_REASON]
        return FILLED
    talk.say("ask_refund_reason")
    return ask(task, "refund_reason")


def read_refund_reason(talk: Talk, task: Task) -> bool:
    """Take the message as the reason."""
    task.slots["refund_reason"] = talk.text.strip()[:MAX_REASON]
    return bool(task.slots["refund_reason"])
