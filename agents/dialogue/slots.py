"""What changes need to know: which order, why, which pieces, where to, how paid. Each step fills it or asks for it."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.addresses import PARTS, parse_address, written_address
from agents.dialogue.eligibility import say_why_not, why_not
from agents.dialogue.finding import find_orders, item_kinds_of, order_of, say_not_found
from agents.dialogue.methods import able_to_pay, method_options, paid_with, refund_targets
from agents.dialogue.orders import offer_orders
from agents.dialogue.references import ALL, doubtful, items_named, picked
from agents.dialogue.saying import described, plain
from agents.dialogue.state import Option, Request, Task
from agents.dialogue.talk import Talk
from commerce.queries import order_total

if TYPE_CHECKING:
    from commerce.models import Order, OrderItem, PaymentMethod

Step = Callable[[Talk, Task], str]
FILLED, ASKED, ENDED = "filled", "asked", "ended"

NOT_NEEDED, MISTAKE = "no longer needed", "ordered by mistake"
MISTAKEN = re.compile(
    r"\b(?:mistake\w*|accident\w*|wrong\w*|error|by accident|twice|double|duplicate|didn['’]?t mean|equivoc\w+|por error|sin querer|versehen\w*|irrtum\w*|irrtümlich|falsch\w*|doppelt|aus versehen|erreur|trompé\w*|par m[ée]garde|deux fois)\b",
    re.IGNORECASE,
)
NEEDLESS = re.compile(
    r"\b(?:no longer|not (?:need|want)\w*|don['’]?t (?:need|want)|no need|changed my mind|cheaper|elsewhere|too (?:late|long|expensive)|ya no|no (?:lo|la|los|las) (?:necesito|quiero)|m[aá]s barato|nicht mehr|brauche (?:es|sie|ihn)? ?nicht|günstiger|nicht ben[öo]tigt|plus besoin|n['’]en (?:ai|veux) plus|moins cher|chang[ée] d['’]avis)\b",
    re.IGNORECASE,
)
ACCOUNT = re.compile(
    r"\b(?:account|profile|default address|my home address|cuenta|perfil|konto|kundenkonto|profil|compte)\b",
    re.IGNORECASE,
)
SAME_ADDRESS = re.compile(
    r"\b(?:same address|address (?:on|of) (?:my )?(?:account|file|profile)|my (?:home|usual|default|account) address|misma direcci[oó]n|direcci[oó]n de mi cuenta|gleiche adresse|(?:adresse|anschrift) (?:meines|aus meinem) kontos?|m[eê]me adresse|adresse de mon compte)\b",
    re.IGNORECASE,
)


def request_of(task: Task) -> Request:
    """Return the request that a task began with, with what was learnt since."""
    slots = task.slots
    return Request(
        task.kind, task.text, orders=list(slots.get("numbers") or []), products=list(slots.get("products") or []),
        back=bool(slots.get("back")), place=slots.get("place"),
    )  # fmt: skip


def ask(task: Task, slot: str) -> str:
    """Note what is asked for."""
    task.asked = slot
    return ASKED


class OrderGone(LookupError):  # noqa: N818 (named for what happened)
    """The order of a task is there no more."""


def filled_order(talk: Talk, task: Task) -> Order:
    """Return the order of a task; raises OrderGone."""
    order = order_of(talk, task.slots["order"])
    if order is None:
        raise OrderGone(task.slots["order"])
    return order


def order(talk: Talk, task: Task) -> str:
    """Find the order, and say at once where the change cannot be made to it."""
    if task.kind == goals.ADDRESS and task.slots.get("scope") == "account":
        return FILLED
    if task.slots.get("order"):
        return _fits(talk, task, filled_order(talk, task))
    found = find_orders(talk, request_of(task), fitting=lambda order: not why_not(task.kind, order))
    if found.said:
        task.slots["numbers"] = []
        return ask(task, "order") if talk.state.options else ENDED
    if len(found.orders) == 1:
        task.slots["order"] = found.orders[0].code
        return _fits(talk, task, found.orders[0])
    offer_orders(talk, found.orders, "ask_order_choices")
    return ask(task, "order")


def _fits(talk: Talk, task: Task, order: Order) -> str:
    talk.state.saw_order(order.code)
    key = why_not(task.kind, order)
    if key:
        say_why_not(talk, key, order)
        return ENDED
    return FILLED


def read_order(talk: Talk, task: Task) -> bool:
    """Take an order number, a button or "the one with the dock" as the order."""
    named = [str(entity.value) for entity in talk.understanding.entities.orders]
    chosen = picked(talk.state.options, talk.text)
    if named:
        if order_of(talk, named[0]) is None:
            say_not_found(talk, named[0])
            task.slots["numbers"] = []
            return False
        task.slots["order"] = filled_code(talk, named[0])
    elif len(chosen) == 1:
        task.slots["order"] = chosen[0].value
    else:
        return False
    return True


def filled_code(talk: Talk, number: str) -> str:
    """Return the shop's own spelling of an order number."""
    order = order_of(talk, number)
    return order.code if order else number


def scope(talk: Talk, task: Task) -> str:
    """Whether the address of an order or of the account is to change."""
    if task.slots.get("scope"):
        return FILLED
    both = {"modify_pending_order_address", "modify_user_address"} <= talk.tools.keys()
    own = task.slots.get("numbers") or task.slots.get("products") or goals.OWN_ORDER.search(task.text)
    if ACCOUNT.search(task.text) and "modify_user_address" in talk.tools:
        task.slots["scope"] = "account"
    elif own or not both:
        task.slots["scope"] = "order"
    else:
        pending = [order for order in talk.orders if not why_not(goals.ADDRESS, order)]
        task.slots["scope"] = "" if pending else "account"
        if pending:
            talk.say("ask_address_which", code=plain(pending[0].code))
            labels = [(talk.words("address_order", code=order.code), order.code) for order in pending[:6]]
            options = [Option(label, value) for label, value in labels]
            talk.offer(
                [*options, Option(talk.words("address_account"), "account", "account profile home cuenta konto compte")]
            )
            return ask(task, "scope")
    return FILLED


def read_scope(talk: Talk, task: Task) -> bool:
    """Take the answer to which address."""
    chosen = picked(talk.state.options, talk.text)
    named = [str(entity.value) for entity in talk.understanding.entities.orders]
    if named:
        task.slots.update(scope="order", numbers=named[:1])
    elif len(chosen) != 1:
        return False
    elif chosen[0].value == "account":
        task.slots["scope"] = "account"
    else:
        task.slots.update(scope="order", order=chosen[0].value)
    return True


def reason(talk: Talk, task: Task) -> str:
    """Why an order is cancelled: the shop knows two reasons."""
    if not task.slots.get("reason"):
        task.slots["reason"] = _reason(task.text)
    if task.slots["reason"]:
        return FILLED
    talk.say("ask_reason", code=plain(task.slots["order"]))
    talk.offer([Option(talk.words(f"reason_{name}"), name) for name in (NOT_NEEDED, MISTAKE)])
    return ask(task, "reason")


def read_reason(talk: Talk, task: Task) -> bool:
    """Take a reason in any words."""
    chosen = picked(talk.state.options, talk.text)
    task.slots["reason"] = _reason(talk.text) or (chosen[0].value if len(chosen) == 1 else "")
    return bool(task.slots["reason"])


def _reason(text: str) -> str:
    if MISTAKEN.search(text):
        return MISTAKE
    return NOT_NEEDED if NEEDLESS.search(text) else ""


def items(talk: Talk, task: Task) -> str:
    """Which pieces of the order."""
    if task.slots.get("items"):
        return FILLED
    found = filled_order(talk, task)
    pieces = list(found.items.all())
    chosen = pieces if len(pieces) == 1 else named_pieces(talk, task.text, pieces, task.slots.get("products") or [])
    in_doubt = [] if _counted(talk) else doubtful(chosen, task.text)
    if chosen and not in_doubt:
        task.slots["items"] = [item.variant_code for item in chosen]
        return FILLED
    task.slots["sure"] = [item.variant_code for item in chosen if item not in in_doubt]
    task.slots["offered"] = [place for place, item in enumerate(pieces) if item in in_doubt or not in_doubt]
    offered = _offered(task, pieces)
    talk.say("ask_items_return" if task.kind == goals.RETURN else "ask_items_swap", code=plain(found.code))
    talk.state.listed = "items"
    talk.offer(
        item_options(talk, offered), [talk.money(item.price, found.currency).replace("\\", "") for item in offered]
    )
    return ask(task, "items")


def _offered(task: Task, pieces: list[OrderItem]) -> list[OrderItem]:
    """The pieces of an order that the customer was asked to choose from."""
    places = task.slots.get("offered") or range(len(pieces))
    return [pieces[place] for place in places if place < len(pieces)]


def _counted(talk: Talk) -> list[int]:
    """How many pieces the message speaks of."""
    return [int(entity.value) for entity in talk.understanding.entities.quantities if isinstance(entity.value, int)]


def item_options(talk: Talk, pieces: list[OrderItem]) -> list[Option]:
    """Return the pieces of an order to choose from, and all of them together."""
    options = []
    for place, item in enumerate(pieces):
        detail = described(item.options).replace("\\", "") if isinstance(item.options, dict) else ""
        label = f"{item.name} ({detail})" if detail else item.name
        options.append(Option(label, str(place), item.variant_code))
    return [*options, Option(talk.words("all_items"), "all", "all everything both")]


def read_items(talk: Talk, task: Task) -> bool:
    """Take buttons or words as pieces: "the earbuds", "both", "the first one", "all"."""
    pieces = _offered(task, list(filled_order(talk, task).items.all()))
    said = talk.text.strip().casefold()
    exact = [option for option in talk.state.options if option.label.casefold() == said]
    if exact:
        chosen = pieces if exact[0].value == "all" else [pieces[int(exact[0].value)]]
    else:
        products = [str(entity.value) for entity in talk.understanding.entities.products]
        chosen = named_pieces(talk, talk.text, pieces, products) or _described(talk, pieces)
    task.slots["items"] = [*(task.slots.get("sure") or []), *(item.variant_code for item in chosen)] if chosen else []
    if not chosen and talk.understanding.entities.products:
        talk.say("not_in_order", code=plain(task.slots["order"]))
    task.text = f"{task.text} {talk.text}"
    return bool(chosen)


def _described(talk: Talk, pieces: list[OrderItem]) -> list[OrderItem]:
    """The one piece that an answer means by its options alone: "the white one"."""
    meant = picked([option for option in talk.state.options if option.value != "all"], talk.text, places=False)
    return [pieces[int(option.value)] for option in meant] if len(meant) == 1 else []


def named_pieces(talk: Talk, text: str, pieces: list[OrderItem], products: list[str]) -> list[OrderItem]:
    """The pieces a text names, as many of the same as it says."""
    if ALL.search(text) and not products:
        return pieces
    chosen = items_named(pieces, text, item_kinds_of([pieces[0].order]) if pieces else {}, products)
    counts = _counted(talk)
    alike = len({item.variant_code for item in chosen}) == 1
    return chosen[: counts[0]] if alike and counts and counts[0] < len(chosen) else chosen


def refund_method(talk: Talk, task: Task) -> str:
    """Where the money of a return goes; asked for only where there is a choice."""
    return choose_method(talk, task, refund_targets(talk, filled_order(talk, task)), "ask_method_return")


def new_method(talk: Talk, task: Task) -> str:
    """How a pending order is to be paid instead."""
    if task.slots.get("method"):
        return FILLED
    found = filled_order(talk, task)
    methods = able_to_pay(talk, order_total(found), task.text, without=paid_with(found))
    if not methods:
        talk.say("no_other_method", code=plain(found.code))
        return ENDED
    return choose_method(talk, task, methods, "ask_method_payment", code=plain(found.code))


def choose_method(talk: Talk, task: Task, methods: list[PaymentMethod], question: str, **values: object) -> str:
    """Take the only method, or the one that the task's words name, or ask."""
    if task.slots.get("method"):
        return FILLED
    if not methods:
        talk.say("not_possible")
        return ENDED
    options = method_options(talk, methods)
    named = [option for option in picked(options, task.text, places=False) if len(options) > 1]
    if len(methods) == 1 or len(named) == 1:
        task.slots["method"] = named[0].value if named else methods[0].code
        return FILLED
    talk.say(question, **values)
    talk.offer(options)
    return ask(task, "method")


def read_method(talk: Talk, task: Task) -> bool:
    """Take a button or "the gift card" as the payment method."""
    chosen = picked(talk.state.options, talk.text)
    if len(chosen) == 1:
        task.slots["method"] = chosen[0].value
    return len(chosen) == 1


def address(talk: Talk, task: Task) -> str:
    """Where it is to be sent, read back before it is proposed."""
    if not task.slots.get("address"):
        task.slots["address"] = _address(talk, task, task.slots.get("message") or task.text)
    if task.slots["address"]:
        talk.say("address_read", address=plain(written_address(task.slots["address"])))
        return FILLED
    talk.say("ask_address")
    return ask(task, "address")


def read_address(talk: Talk, task: Task) -> bool:
    """Take a line of text as an address."""
    task.slots["address"] = _address(talk, task, talk.text)
    if not task.slots["address"]:
        talk.say("address_unclear")
    return bool(task.slots["address"])


def _address(talk: Talk, task: Task, text: str) -> dict[str, str] | None:
    customer = talk.context.known_customer()
    if SAME_ADDRESS.search(text) and task.slots.get("scope") == "order" and customer.address1:
        return {name: getattr(customer, name) for name in PARTS}
    found = parse_address(text)
    if found is not None:
        found["country"] = found["country"] or customer.country
    return found
