"""From a message to what is asked for in it, clause by clause."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.references import place_in, refers_back
from agents.dialogue.state import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.routing.clauses import Clause
    from agents.routing.entities import Entity
    from agents.routing.intents import Understanding

NUMBERED = re.compile(r"\b(RFD|CMP)[\s_-]?(\d{3,9})\b", re.IGNORECASE)
MASKS = {"order": "§o", "product": "§p", "email": "§e", "postcode": "§z", "RFD": "§r", "CMP": "§c"}
INTENT_OF = (
    dict.fromkeys((goals.STATUS, goals.LIST, goals.CONTENTS, goals.TOTAL, goals.CANCEL, goals.ADDRESS), "order_status")
    | dict.fromkeys((goals.ETA, goals.TRACKING), "delivery")
    | dict.fromkeys((goals.REFUND, goals.RETURN, goals.SWAP, goals.REFUND_STATUS), "refund")
    | dict.fromkeys((goals.COMPLAINT, goals.COMPLAINT_STATUS), "complaint")
    | dict.fromkeys(goals.PRODUCT_QUESTIONS, "product_info")
    | {goals.COMPARE: "comparison", goals.PAYMENT: "order_status"}
)
ORDER_GOAL_OF = {"order_status": goals.STATUS, "delivery": goals.ETA}
WHEN_AND = re.compile(
    r"(when (?:does|will|do|is|are|did|can|could)\b.+?|wann (?:kommt|wird|ist)\b.+?|quand (?:est-ce|arrive)\b.+?|cu[aá]ndo\b.+?)\s*,?\s+(?:and|und|et|y)\s+(\S.{6,})",
    re.IGNORECASE | re.DOTALL,
)
PARCEL = re.compile(r"\b(?:parcel|package|delivery|paket|sendung|paquete|entrega|colis|livraison)\b", re.IGNORECASE)
SHORT = 6  # words of a clause that may leave out what was said before


def read_requests(understanding: Understanding, text: str, *, talked: bool) -> list[Request]:
    """Return what a message asks for, in its order; clauses that only say who somebody is are left out.

    `talked` tells whether something was talked about before that a clause can refer to.
    """
    found: list[Request] = []
    for clause in _whole_questions(understanding.clauses):
        request = _read(clause, understanding, text, talked=talked or bool(found))
        if request is not None:
            _add(found, request)
    _share_entities(found, understanding)
    return found


def _whole_questions(clauses: Sequence[Clause]) -> list[Clause]:
    """Split "When does it come, and was my refund paid?", which reads like a condition, into its two questions."""
    found = []
    for clause in clauses:
        joint = WHEN_AND.match(clause.text)
        if joint is None:
            found.append(clause)
            continue
        middle, rest = clause.start + joint.end(1), clause.start + joint.start(2)
        found.append(replace(clause, text=joint[1], end=middle))
        found.append(replace(clause, text=joint[2], start=rest))
    return found


def intent_of(request: Request) -> str:
    """Return the intent that a request is told as."""
    if request.goal == goals.STATUS and PARCEL.search(request.text):
        return "delivery"
    return INTENT_OF.get(request.goal) or request.intent


def masked(clause: Clause, understanding: Understanding, text: str) -> str:
    """Return the clause with what it names masked."""
    spans = [(entity.start, entity.end, MASKS[entity.kind]) for entity in understanding.entities if entity.kind in MASKS]
    spans += [(match.start(), match.end(), MASKS[match[1].upper()]) for match in NUMBERED.finditer(text)]
    made, at = [], clause.start
    for start, end, mask in sorted(set(spans)):
        if at <= start and end <= clause.end:
            made += [text[at:start], mask]
            at = end
    return "".join([*made, text[at : clause.end]]).strip()


def _read(clause: Clause, understanding: Understanding, text: str, *, talked: bool) -> Request | None:
    inside = [entity for entity in understanding.entities if clause.start <= entity.start and entity.end <= clause.end]
    words = masked(clause, understanding, text)
    request = Request(
        goal="",
        text=clause.text,
        orders=_values(inside, "order") + [f"{m[1].upper()}-{m[2]}" for m in NUMBERED.finditer(clause.text)],
        products=_values(inside, "product"),
        amounts=[str(entity.value) for entity in inside if entity.kind == "amount"],
        back=refers_back(words),
        place=place_in(words),
        intent=_intent(clause, understanding),
    )
    numbered = bool(request.orders)
    past = talked and (request.back or request.place is not None or len(words.split()) <= SHORT)
    request.goal = goals.find_goal(words, numbered=numbered, about_past=past)
    if not request.goal and _only_identity(inside, words):
        return None
    if not request.goal:
        request.goal, request.guessed = _by_intent(request, words, past=past), True
    return request


def _values(entities: Sequence[Entity], kind: str) -> list[str]:
    return [str(entity.value) for entity in entities if entity.kind == kind]


def _only_identity(inside: Sequence[Entity], words: str) -> bool:
    """Whether a clause only says who somebody is."""
    kinds = {entity.kind for entity in inside}
    says = bool(kinds & {"email", "postcode"}) and not kinds & {"order", "product"}
    return says and "?" not in words


def _by_intent(request: Request, words: str, *, past: bool) -> str:
    """Return the goal that follows from what is named and from the classifier."""
    if any(number.startswith("RFD-") for number in request.orders):
        return goals.REFUND_STATUS
    if any(number.startswith("CMP-") for number in request.orders):
        return goals.COMPLAINT_STATUS
    if request.orders:
        return ORDER_GOAL_OF.get(request.intent, goals.STATUS)
    if request.products:
        return goals.COMPARE if request.intent == "comparison" and len(request.products) > 1 else goals.PRODUCT
    if request.intent == "product_info":
        return goals.PRODUCT if past else goals.SEARCH
    if request.intent == "comparison" and past:
        return goals.COMPARE if request.place is None else goals.PRODUCT
    own = goals.OWN.search(words)
    if request.intent in ORDER_GOAL_OF and own and not goals.GENERAL.search(words):
        return ORDER_GOAL_OF[request.intent]
    if request.intent == "complaint":
        return goals.COMPLAINT
    return goals.ASK


def _intent(clause: Clause, understanding: Understanding) -> str:
    """The classifier's intent of a clause; that of the whole message where the clause has none of its own."""
    for intent in understanding.intents:
        if intent.start == clause.start and intent.end == clause.end:
            return intent.name
    covering = [i for i in understanding.intents if i.start <= clause.start and clause.end <= i.end]
    return covering[0].name if covering else ""


def _add(found: list[Request], request: Request) -> None:
    """Add a request, or join it to the one before where both ask the same of the same thing."""
    before = found[-1] if found else None
    if before is None:
        found.append(request)
        return
    same_thing = not request.orders or set(request.orders) <= set(before.orders)
    bare = not request.orders and not request.products
    if before.goal == request.goal and same_thing and (bare or before.goal in goals.ORDER_QUESTIONS):
        _join(before, request)
    elif bare and before.goal == goals.COMPARE and request.goal in (goals.SEARCH, goals.PRODUCT, goals.ASK):
        _join(before, request)
    elif request.goal == goals.COMPARE and before.goal == goals.PRODUCT and len(request.products) < 2:  # noqa: PLR2004 (a comparison)
        request.products = before.products + request.products
        request.text = f"{before.text}, {request.text}"
        found[-1] = request
    else:
        found.append(request)


def _join(before: Request, request: Request) -> None:
    before.text = f"{before.text} {request.text}"
    before.products += [code for code in request.products if code not in before.products]
    before.amounts += request.amounts


def _share_entities(found: list[Request], understanding: Understanding) -> None:
    """Give a request without a number the order that stands elsewhere in the message, where there is one alone."""
    orders = [str(entity.value) for entity in understanding.entities.orders]
    for request in found:
        about_orders = request.goal in goals.ABOUT_CUSTOMER and request.goal != goals.LIST
        if about_orders and not request.orders and not request.products and len(orders) == 1:
            request.orders = list(orders)
    if len(found) > 1 and orders:
        # "ORD-1002." alone beside a request that has taken the number asks for nothing of its own.
        taken = {number for request in found if request.goal in goals.CHANGES for number in request.orders}
        found[:] = [r for r in found if not (r.goal == goals.STATUS and set(r.orders) <= taken and len(r.text.split()) <= 2)]  # noqa: PLR2004 (words)
