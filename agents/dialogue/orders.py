"""Questions about orders: where one is, when it comes, what is in it, what it cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils import timezone

from agents.dialogue import goals
from agents.dialogue.finding import find_orders, item_kinds
from agents.dialogue.references import items_named
from agents.dialogue.saying import listed, named, plain
from agents.dialogue.state import Option
from commerce.models import PaymentKind
from commerce.money import ZERO
from commerce.queries import order_timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk
    from commerce.models import DeliveryEvent, Order

MAX_LISTED = 8
CLOSED = ("delivered", "cancelled", "returned")


def answer_orders(talk: Talk, request: Request) -> None:
    """Answer a question about orders; asks which one is meant where that is not clear."""
    if not talk.uses("get_order_details"):
        talk.ask_documents(request.text)
        return
    if request.goal == goals.LIST:
        list_orders(talk)
        return
    numbers = [number for number in dict.fromkeys(request.orders) if not number.startswith(("RFD-", "CMP-"))]
    if len(numbers) > 1:
        for number in numbers[:MAX_LISTED]:
            talk.end_paragraph()
            answer_orders(talk, replace(request, orders=[number]))
        return
    found = find_orders(talk, request)
    if found.said:
        return
    if len(found.orders) > 1:
        talk.state.choosing = request
        offer_orders(talk, found.orders, "which_order")
        return
    for order in found.orders:
        tell_order(talk, order, request)


def tell_order(talk: Talk, order: Order, request: Request) -> None:
    """Answer the question about this order, and show it."""
    talk.state.saw_order(order.code)
    tellers = {goals.CONTENTS: _contents, goals.TOTAL: _total, goals.TRACKING: _tracking, goals.ETA: _arrival}
    tellers.get(request.goal, _status)(talk, order, request)
    talk.show_order(order)
    talk.end_paragraph()


def list_orders(talk: Talk) -> None:
    """List the customer's orders."""
    if not talk.orders:
        talk.say("no_orders")
        return
    shown = talk.orders[:MAX_LISTED]
    remember_orders(talk, shown)
    if len(shown) < len(talk.orders):
        talk.say_list("your_orders", [order_line(talk, order) for order in shown])
        talk.say("more_orders", count=len(shown), total=len(talk.orders))
    else:
        talk.say_list("your_orders", [order_line(talk, order) for order in shown])
    talk.end_paragraph()


def offer_orders(talk: Talk, orders: Sequence[Order], question: str) -> None:
    """Ask which of several orders is meant."""
    shown = orders[:MAX_LISTED]
    remember_orders(talk, shown)
    talk.say_list(question, [order_line(talk, order) for order in shown])
    options = [Option(order.code, order.code, " ".join(item.name for item in order.items.all())) for order in shown]
    talk.offer(options, [", ".join(item.name for item in order.items.all()) for order in shown])


def remember_orders(talk: Talk, orders: Sequence[Order]) -> None:
    """Remember what was listed, for "the first one"."""
    talk.state.orders, talk.state.listed = [order.code for order in orders], "orders"


def order_line(talk: Talk, order: Order) -> str:
    """Return an order on one line."""
    items = listed([plain(item.name) for item in order.items.all()], talk.language)
    return talk.words("order_line", code=plain(order.code), items=items, status=talk.label(order))


def status_key(order: Order) -> str:
    """Return where an order is, in a word of `Timeline`, or what was asked for since."""
    return order.status if order.status.endswith("requested") else order_timeline(order).status


def _status(talk: Talk, order: Order, request: Request) -> None:
    del request
    timeline = order_timeline(order)
    key, code = status_key(order), plain(order.code)
    arrived = next((step.at for step in reversed(timeline.steps) if step.status == "delivered"), None)
    if key == "delivered" and arrived:
        talk.say("status_delivered_on", code=code, date=talk.day(timezone.localdate(arrived)))
    else:
        talk.say(f"status_{key}", code=code)
    talk.say("order_items", items=listed([plain(item.name) for item in order.items.all()], talk.language))
    _expectation(talk, order)
    if timeline.expected_on:
        _whereabouts(talk, order)
    if key == "cancelled":
        _paid_back(talk, order)


def _arrival(talk: Talk, order: Order, request: Request) -> None:
    _status(talk, order, request)
    if order_timeline(order).tracking_codes and status_key(order) not in CLOSED:
        _codes(talk, order)


def _tracking(talk: Talk, order: Order, request: Request) -> None:
    if status_key(order) in CLOSED:
        _status(talk, order, request)
    else:
        talk.say(f"status_{status_key(order)}", code=plain(order.code))
        _whereabouts(talk, order)
        _expectation(talk, order)
    _codes(talk, order)


def _contents(talk: Talk, order: Order, request: Request) -> None:
    del request
    items = [
        talk.words("item_price", name=named(item.name, item.options), price=talk.money(item.price, order.currency))
        for item in order.items.all()
    ]
    talk.say("contents", code=plain(order.code), items=listed(items, talk.language))
    talk.say("total", code=plain(order.code), total=talk.total(order))
    talk.state.saw_products([item.product_code for item in order.items.all()])
    talk.state.listed = "items"


def _total(talk: Talk, order: Order, request: Request) -> None:
    items = list(order.items.all())
    wanted = items_named(items, request.text, item_kinds(talk, items), request.products)
    if wanted and len(wanted) < len(items):
        for item in wanted:
            price = talk.money(item.price, order.currency)
            talk.say("item_paid", code=plain(order.code), price=price, name=named(item.name, item.options))
        return
    talk.say("total", code=plain(order.code), total=talk.total(order))
    _paid_back(talk, order)


def _paid_back(talk: Talk, order: Order) -> None:
    back = sum((entry.amount for entry in order.payments.all() if entry.kind == PaymentKind.REFUND), ZERO)
    if back:
        talk.say("paid_back", amount=talk.money(back, order.currency))


def _expectation(talk: Talk, order: Order) -> None:
    timeline = order_timeline(order)
    if timeline.status in CLOSED or order.status.endswith("requested"):
        return
    if timeline.expected_on is None:
        talk.say("expected_unknown")
    else:
        late = timeline.expected_on < timezone.localdate()
        talk.say("expected_was" if late else "expected", date=talk.day(timeline.expected_on))


def _whereabouts(talk: Talk, order: Order) -> None:
    """Say where the parcel was last."""
    events: list[DeliveryEvent] = [event for parcel in order.deliveries.all() for event in parcel.events.all()]
    latest = max(events, key=lambda event: event.at, default=None)
    if latest is None:
        return
    day = talk.day(timezone.localdate(latest.at))
    if latest.place:
        talk.say("last_seen", place=plain(latest.place), date=day)
    elif latest.text:
        talk.say("last_event", text=plain(latest.text).rstrip("."), date=day)


def _codes(talk: Talk, order: Order) -> None:
    timeline = order_timeline(order)
    codes = listed([plain(code) for code in timeline.tracking_codes], talk.language)
    if not codes:
        talk.say("tracking_none") if status_key(order) not in CLOSED else None
    elif timeline.carrier:
        talk.say("tracking", carrier=plain(timeline.carrier), codes=codes)
    else:
        talk.say("tracking_no_carrier", codes=codes)
