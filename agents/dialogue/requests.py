"""From a message to what is asked for in it, clause by clause."""
# ruff: noqa: E501 - patterns of four languages, one a line

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.complaints import is_faulty, wanted_of
from agents.dialogue.references import fold, place_in, refers_back
from agents.dialogue.state import Request
from agents.routing.intents import OUT
from commerce.models import Product
from commerce.models.care import Wanted
from knowledge.sentences import split_sentences

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
    r"(when (?:does|will|do|is|are|did|can|could)\b.+?|wann (?:kommt|wird|ist)\b.+?|quand (?:est-ce|arrive)\b.+?|cu[aá]ndo\b.+?)\s*,?\s+(?:and|und|et|y)\s+((?:was|is|are|has|have|did|do|does|what|where|which|how|who|can|could|will|tell|show|wurde|ist|hat|wo|wie|kann|o[uù]|quel\w*|comment|est-ce|a-t-\w+|combien|fue|est[aá]|d[oó]nde|cu[aá]nto|qu[eé])\b.{4,})",
    re.IGNORECASE | re.DOTALL,
)
PARCEL = re.compile(r"\b(?:parcel|package|delivery|paket|sendung|paquete|entrega|colis|livraison)\b", re.IGNORECASE)
ALIKE = 0.72
"""How alike a mention and a name of a product must be, 0 to 1: "my laptop" is no laptop charger."""
TELL_ME = re.compile(
    r"^\W*(?:(?:and|also|please|y|und|et|bitte|por favor),? )*(?:tell|show|give|find|compare|list|explain|dime|d[ií]game|mu[eé]str\w*|sag\w*|zeig\w*|nenn\w*|dites|dis|montr\w*)\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"^\W*(?:(?:and|also|so|or|but|y|o|pero|und|oder|aber|et|ou|mais|please|por favor|bitte),? )*(?:can|could|may|do|does|did|is|are|was|were|will|would|should|shall|has|have you|am i|where|what|when|how|which|who|why|d[oó]nde|qu[eé]|cu[aá]ndo|c[oó]mo|cu[aá]l\w*|cu[aá]nt\w+|puedo|podr[ií]a|hay|tienen?|wo|was|wann|wie|welche\w*|wer|warum|ist|sind|kann|k[oö]nn\w+|darf|gibt|hat|habt|o[uù]|quand|comment|combien|quel\w*|pourquoi|est-ce|puis-je|peut-on|pouvez|avez)\b",
    re.IGNORECASE,
)
BARE = 2  # words of a clause that is no more than a number
SHORT = 6  # words of a clause that may leave out what was said before


def read_requests(understanding: Understanding, text: str, *, talked: bool, known: bool) -> list[Request]:
    """Return what a message asks for, in its order; clauses that only say who somebody is are left out.

    Args:
        understanding: of the message; its products should be those that are surely meant, see `surely_named`.
        text: the message.
        talked: whether something was talked about before that a clause can refer to.
        known: whether the customer is known; somebody else who asks if they can change something is told the rules.
    """
    found: list[Request] = []
    clauses = _rejoined(_whole_questions(understanding.clauses), understanding, text)
    end = len(text)
    for clause in clauses:
        request = _read(clause, understanding, text, talked=talked or bool(found), known=known)
        if request is not None:
            joint = text[end : clause.start]  # as the customer wrote it; nothing where a clause was left out between
            _add(found, request, joint if joint.strip() else " ")
        end = clause.end if request is not None else len(text)
    _share_entities(found, understanding)
    return _asked(found)


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


def _rejoined(clauses: list[Clause], understanding: Understanding, text: str) -> list[Clause]:
    """Put together what only has a goal as a whole: "When will my phone" "and the earbuds arrive?"."""
    found: list[Clause] = []
    for clause in clauses:
        before = found[-1] if found else None
        if before is not None:
            whole = replace(before, text=text[before.start : clause.end], end=clause.end)
            apart = _said_goal(before, understanding, text) or _said_goal(clause, understanding, text)
            if not apart and _said_goal(whole, understanding, text):
                found[-1] = whole
                continue
        found.append(clause)
    return found


def _said_goal(clause: Clause, understanding: Understanding, text: str) -> str:
    return goals.find_goal(masked(clause, understanding, text), numbered=False, about_past=False)


def surely_named(understanding: Understanding) -> Understanding:
    """Return the understanding with those products alone that are called by their name, another name or their code."""
    products = understanding.entities.products
    if not products:
        return understanding
    codes = {str(entity.value) for entity in products}
    aliases = dict(Product.objects.filter(code__in=codes).values_list("code", "aliases"))
    sure = tuple(entity for entity in products if _is_name(entity, aliases.get(str(entity.value))))
    return replace(understanding, entities=replace(understanding.entities, products=sure))


def _is_name(entity: Entity, aliases: object) -> bool:
    names = [entity.label, str(entity.value), *(map(str, aliases) if isinstance(aliases, list) else ())]
    said = fold(entity.text)
    words = set(said.split())
    if any(letter.isdigit() for letter in said) and any(words <= set(fold(name).split()) for name in names):
        return True
    return any(SequenceMatcher(None, said, fold(name)).ratio() >= ALIKE for name in names)


def intent_of(request: Request) -> str:
    """Return the intent that a request is told as."""
    if request.goal == goals.STATUS and PARCEL.search(request.text):
        return "delivery"
    return INTENT_OF.get(request.goal) or request.intent


def masked(clause: Clause, understanding: Understanding, text: str) -> str:
    """Return the clause with what it names masked."""
    spans = [
        (entity.start, entity.end, MASKS[entity.kind]) for entity in understanding.entities if entity.kind in MASKS
    ]
    spans += [(match.start(), match.end(), MASKS[match[1].upper()]) for match in NUMBERED.finditer(text)]
    made, at = [], clause.start
    for start, end, mask in sorted(set(spans)):
        if at <= start and end <= clause.end:
            made += [text[at:start], mask]
            at = end
    return "".join([*made, text[at : clause.end]]).strip()


def _read(clause: Clause, understanding: Understanding, text: str, *, talked: bool, known: bool) -> Request | None:
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
        asks=_asks(clause, text),
    )
    numbered = bool(request.orders)
    past = talked and (request.back or request.place is not None or len(words.split()) <= SHORT)
    request.goal = goals.find_goal(words, numbered=numbered, about_past=past)
    if numbered and request.goal in ("", goals.STATUS) and "?" not in words and is_faulty(words):
        request.goal = goals.SWAP if wanted_of(words) == Wanted.REPLACEMENT else goals.COMPLAINT
    if request.goal in goals.CHANGES and not (numbered or known) and goals.MODAL.search(words):
        request.goal, request.rules = goals.ASK, True
    if not request.goal and _only_identity(inside, words):
        return None
    if not request.goal:
        request.goal, request.guessed = _by_intent(request, words, past=past), True
    return request


def _asks(clause: Clause, text: str) -> bool:
    """Whether a clause is, or is a part of, a question."""
    whole = next((text[a:b] for a, b in split_sentences(text) if a <= clause.start < b), clause.text)
    return "?" in whole or bool(ASKS.match(clause.text))


def _values(entities: Sequence[Entity], kind: str) -> list[str]:
    return [str(entity.value) for entity in entities if entity.kind == kind]


def _only_identity(inside: Sequence[Entity], words: str) -> bool:
    """Whether a clause only says who somebody is."""
    kinds = {entity.kind for entity in inside}
    says = bool(kinds & {"email", "postcode"}) and not kinds & {"order", "product"}
    return says and "?" not in words


def _by_intent(request: Request, words: str, *, past: bool) -> str:
    """Return the goal that follows from what is named, and else from the classifier."""
    prefixes = {number[:4] for number in request.orders}
    if "RFD-" in prefixes or "CMP-" in prefixes:
        return goals.REFUND_STATUS if "RFD-" in prefixes else goals.COMPLAINT_STATUS
    if request.orders:
        return ORDER_GOAL_OF.get(request.intent, goals.STATUS)
    if request.products:
        return goals.PRODUCT
    return _by_classifier(request, words, past=past)


def _by_classifier(request: Request, words: str, *, past: bool) -> str:
    own = goals.OWN.search(words) and goals.OWN_ORDER.search(words) and not goals.MODAL.search(words)
    if request.intent in ORDER_GOAL_OF and own and not goals.GENERAL.search(words):
        return ORDER_GOAL_OF[request.intent]
    compared = goals.COMPARE if past and request.place is None else goals.PRODUCT if past else goals.ASK
    return {
        "product_info": goals.PRODUCT if past else goals.SEARCH,
        "comparison": compared,
        "complaint": goals.COMPLAINT,
    }.get(request.intent, goals.ASK)


def _intent(clause: Clause, understanding: Understanding) -> str:
    """The classifier's intent of a clause; that of the whole message where the clause has none of its own.

    None where the message is like nothing that anybody wants: the nearest intent is none then.
    """
    if understanding.out_of_scope >= OUT:
        return ""
    for intent in understanding.intents:
        if intent.start == clause.start and intent.end == clause.end:
            return intent.name
    covering = [i for i in understanding.intents if i.start <= clause.start and clause.end <= i.end]
    return covering[0].name if covering else ""


def _add(found: list[Request], request: Request, joint: str) -> None:
    """Add a request, or join it to the one before where both ask the same of the same thing.

    Args:
        found: the requests so far.
        request: the next one.
        joint: what stands between the two in the message.
    """
    before = found[-1] if found else None
    if before is None:
        found.append(request)
        return
    if goal := _one_matter(before, request):
        _join(before, request, joint)
        before.goal, before.guessed = goal, before.guessed and request.guessed
        return
    if (
        request.goal == goals.ASK
        and request.back
        and before.goal in (goals.ASK, goals.COMPLAINT, goals.PRODUCT)
        and len(request.text.split()) <= SHORT
        and (before.asks or not request.asks)
    ):
        before.text, before.asks = f"{before.text}{joint}{request.text}", before.asks or request.asks
        return
    same_thing = not request.orders or set(request.orders) <= set(before.orders)
    bare = not request.orders and not request.products
    beside = before.goal == goals.ASK and before.asks != request.asks  # what is told beside a question is no part of it
    if before.goal == request.goal and same_thing and not beside and (bare or before.goal in goals.ORDER_QUESTIONS):
        _join(before, request, joint)
    elif (
        bare
        and before.goal in goals.CHANGES
        and (request.guessed or request.goal == before.goal)
        and "?" not in request.text
    ):
        _join(before, request, joint)  # the reason, or what else there is to say
    elif bare and before.goal == goals.COMPLAINT and request.goal in goals.ORDER_QUESTIONS and "?" not in request.text:
        _join(before, request, joint)  # "your courier was rude" is no question about a courier
    elif bare and before.goal == goals.COMPARE and request.goal in (goals.SEARCH, goals.PRODUCT, goals.ASK):
        _join(before, request, joint)
    elif request.goal == goals.COMPARE and before.goal == goals.PRODUCT and len(request.products) < 2:  # noqa: PLR2004 (a comparison)
        request.products = before.products + request.products
        request.text, request.asks = f"{before.text}{joint}{request.text}", request.asks or before.asks
        found[-1] = request
    else:
        found.append(request)


def _one_matter(before: Request, request: Request) -> str:
    """Return the goal of two clauses that tell of one matter, "" where they are two.

    What is wrong with a thing, and what is asked for because of it: a complaint, a return, another of the same.
    """
    if request.orders and before.orders and request.orders != before.orders:
        return ""
    told = before.guessed and _tells(before) and before.goal not in goals.CARE_QUESTIONS
    tells = request.guessed and _tells(request)
    complaint = before.goal == goals.COMPLAINT
    faulty = complaint and bool(before.orders) and not goals.COMPLAINING.search(before.text)
    if faulty and not request.products and wanted_of(request.text) == Wanted.REPLACEMENT:
        return goals.SWAP
    if faulty and request.goal in goals.CHANGES - {goals.COMPLAINT}:
        return request.goal
    announced = request.goal == goals.COMPLAINT and not request.guessed and (told or complaint)
    described = complaint and not before.guessed and tells
    broken = told and bool(before.orders) and tells and is_faulty(request.text)
    return goals.COMPLAINT if announced or described or broken else ""


def _tells(request: Request) -> bool:
    """Whether a clause states something, and asks for nothing."""
    return "?" not in request.text and not TELL_ME.match(request.text)


def _asked(found: list[Request]) -> list[Request]:
    """Return what is asked where a message asks something; what it tells beside that is what the questions are about.

    "My laptop gets hot. What can I do?" is one question, and "My son loved them." is none. What matters of what is told
    the search finds out, where sentences vote; what one may do the rules of the shop say, whatever is told.
    """
    if not any(request.asks for request in found):
        return _told_as_one(found)
    told = [request for request in found if _is_told(request)]
    asked = [request for request in found if request not in told]
    if not told or not asked:
        return found
    words = " ".join(request.text for request in told)
    products = list(dict.fromkeys(code for request in told for code in request.products))
    for request in asked:
        if not request.products and request.goal in goals.PRODUCT_QUESTIONS:
            request.products = products[:1]
        if not (request.rules or request.products) and request.goal in (goals.ASK, goals.SEARCH, goals.PRODUCT):
            request.text = f"{words} {request.text}"
    return asked


def _told_as_one(found: list[Request]) -> list[Request]:
    """Return a story as one request, a complaint where a part of it sounds like one, so that it is looked up once."""
    story = [
        request for request in found if _is_told(request) and not request.products and request.goal != goals.SEARCH
    ]
    if len(story) < len(found) or not story:
        return found
    whole = next((request for request in story if request.goal == goals.COMPLAINT), story[0])
    whole.text = " ".join(request.text for request in story)
    return [whole]


def _is_told(request: Request) -> bool:
    """Whether a clause states something that nothing is to be done about."""
    if not request.guessed or request.orders or request.asks or not _tells(request):
        return False
    harm = request.goal == goals.COMPLAINT and goals.IMPLICIT_COMPLAINT.search(request.text)
    return request.goal in goals.PRODUCT_QUESTIONS | {goals.ASK, goals.COMPLAINT} and not harm


def _join(before: Request, request: Request, joint: str) -> None:
    before.text, before.asks = f"{before.text}{joint}{request.text}", before.asks or request.asks
    before.orders = before.orders or request.orders
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
        found[:] = [
            r for r in found if not (r.goal == goals.STATUS and set(r.orders) <= taken and len(r.text.split()) <= BARE)
        ]
