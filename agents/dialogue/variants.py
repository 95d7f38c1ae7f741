"""Other variants of what is in an order: which there are, which is wanted, and how the difference is paid."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.dialogue.complaints import is_faulty
from agents.dialogue.eligibility import DELIVERED
from agents.dialogue.methods import able_to_pay, paid_with
from agents.dialogue.references import content, picked
from agents.dialogue.saying import described, plain
from agents.dialogue.slots import ENDED, FILLED, ask, choose_method, filled_order
from agents.dialogue.state import Option
from commerce.models import Variant
from commerce.money import ZERO
from commerce.services.items import pieces_of

if TYPE_CHECKING:
    from agents.dialogue.state import Task
    from agents.dialogue.talk import Talk
    from commerce.models import OrderItem

MAX_OFFERED = 12
SAME = re.compile(
    r"\b(?:same|identical|mism[oa]|igual|dasselbe|(?:der|die|das)?selben?|gleiche[nrs]?|m[eê]me|identique)\b",
    re.IGNORECASE,
)


def new_items(talk: Talk, task: Task) -> str:
    """Find a variant for each piece that is to be changed; asks for one after the other."""
    order = filled_order(talk, task)
    chosen: list[str] = task.slots.setdefault("new", [])
    pieces = pieces_of(order, task.slots["items"])
    for piece in pieces[len(chosen) :]:
        offered = _offered(piece, again=_may_be_same(talk, task))
        if not offered:
            talk.say("no_variant", name=plain(piece.name))
            return ENDED
        if [variant.code for variant in offered] == [piece.variant_code]:
            chosen.append(piece.variant_code)
            continue
        wanted = _wanted(talk, task.text, piece, offered)
        if wanted is None:
            return _ask(talk, task, piece, offered)
        chosen.append(wanted.code)
    return FILLED


def read_variant(talk: Talk, task: Task) -> bool:
    """Take a button or words such as "the black one" as the variant for the piece that was asked about."""
    order = filled_order(talk, task)
    chosen: list[str] = task.slots["new"]
    piece = pieces_of(order, task.slots["items"])[len(chosen)]
    found = picked(talk.state.options, talk.text)
    if len(found) == 1:
        chosen.append(found[0].value)
        return True
    wanted = _wanted(talk, talk.text, piece, _offered(piece, again=_may_be_same(talk, task)))
    if wanted is not None:
        chosen.append(wanted.code)
    return wanted is not None


def method(talk: Talk, task: Task) -> str:
    """How the difference is paid or given back; not asked for where there is none or only one way."""
    if task.slots.get("method"):
        return FILLED
    order = filled_order(talk, task)
    prices = dict(Variant.objects.filter(code__in=task.slots["new"]).values_list("code", "price"))
    old = sum((piece.price for piece in pieces_of(order, task.slots["items"])), ZERO)
    difference = sum((prices[code] for code in task.slots["new"]), Decimal(0)) - old
    methods = able_to_pay(talk, max(difference, ZERO), task.text)
    original = paid_with(order)
    methods.sort(key=lambda each: each.code != original)
    if difference == 0 and methods:
        task.slots["method"] = methods[0].code
        return FILLED
    question = "ask_method_difference" if difference > 0 else "ask_method_difference_back"
    return choose_method(talk, task, methods, question, amount=talk.money(abs(difference), order.currency))


def _may_be_same(talk: Talk, task: Task) -> bool:
    """Whether a piece may be exchanged for another of the very same: one that has arrived and is broken."""
    return filled_order(talk, task).status == DELIVERED and is_faulty(task.text)


def _offered(piece: OrderItem, *, again: bool) -> list[Variant]:
    """The variants of a piece's product that can be had: with `again` the one that it is first, else without it."""
    variants = Variant.objects.filter(product__code=piece.product_code, product__active=True, available=True)
    same = list(variants.filter(code=piece.variant_code)) if again else []
    return [*same, *variants.exclude(code=piece.variant_code)][:MAX_OFFERED]


def _wanted(talk: Talk, text: str, piece: OrderItem, offered: list[Variant]) -> Variant | None:
    """The variant whose options a text names; says so when it cannot be had."""
    current = content(" ".join(map(str, _values(piece.options))))
    said = content(text)
    scored = [
        (len(said & (content(" ".join(map(str, _values(v.options)))) - current)), _kept(v, piece), v) for v in offered
    ]
    best = max(((score, kept) for score, kept, _ in scored), default=(0, 0))
    leading = [variant for score, kept, variant in scored if (score, kept) == best]
    if best[0] and len(leading) == 1:
        return leading[0]
    same = next((variant for variant in offered if variant.code == piece.variant_code), None)
    if same and not best[0] and SAME.search(text):
        return same
    if not best[0]:
        _say_gone(talk, said - current, piece)
    return None


def _say_gone(talk: Talk, said: set[str], piece: OrderItem) -> None:
    gone = Variant.objects.filter(product__code=piece.product_code, product__active=True, available=False)
    for variant in gone:
        if said & content(" ".join(map(str, _values(variant.options)))):
            talk.say("variant_gone", name=plain(piece.name), wanted=described(variant.options))
            return


def _kept(variant: Variant, piece: OrderItem) -> int:
    """How many options stay as they are: of two black ones the one with the same storage is meant."""
    before = piece.options if isinstance(piece.options, dict) else {}
    return sum(before.get(name) == value for name, value in variant.options.items())


def _values(options: object) -> list[object]:
    return list(options.values()) if isinstance(options, dict) else []


def _option(talk: Talk, variant: Variant, piece: OrderItem) -> Option:
    label = described(variant.options).replace("\\", "") or variant.code
    if variant.code != piece.variant_code:
        return Option(label, variant.code)
    return Option(talk.words("same_again", variant=label), variant.code, "again")


def _ask(talk: Talk, task: Task, piece: OrderItem, offered: list[Variant]) -> str:
    talk.say("ask_variant", name=plain(piece.name), current=described(piece.options))
    options = [_option(talk, variant, piece) for variant in offered]
    talk.offer(options, [talk.money(variant.price).replace("\\", "") for variant in offered])
    return ask(task, "variant")
