"""Which order of the customer's is meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.dialogue import goals
from agents.dialogue.references import content, is_place, orders_with
from agents.dialogue.saying import plain
from agents.dialogue.state import Option
from commerce.models import Order, Product
from commerce.queries import order_timeline
from commerce.records import whole_orders
from commerce.services.errors import NotFound
from commerce.services.finding import find_order, near_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk
    from commerce.models import OrderItem

OVER = ("delivered", "cancelled", "returned")


@dataclass(slots=True)
class Found:
    """Orders that may be meant; `said` when the customer has been told why there is none."""

    orders: list[Order] = field(default_factory=list)
    said: bool = False


def find_orders(talk: Talk, request: Request, fitting: Callable[[Order], bool] | None = None) -> Found:
    """Return the orders a request means: by number, by what is in them, by what was said before, or the open ones.

    Args:
        talk: of this turn; told where a number is not found.
        request: what is asked for.
        fitting: for a change, whether an order is one that it can be made to.
    """
    numbers = [number for number in request.orders if not number.startswith(("RFD-", "CMP-"))]
    if numbers:
        return _numbered(talk, numbers)
    before = _before(talk, request)
    if before:
        return Found(before)
    orders = talk.orders
    things = (
        [] if request.place is not None else orders_with(orders, request.text, item_kinds_of(orders), request.products)
    )
    if request.products and not things and request.goal not in goals.PRODUCT_QUESTIONS:
        talk.say(
            "no_order_with",
            name=plain(
                talk.products(request.products[:1])[0].name
                if talk.products(request.products[:1])
                else request.products[0]
            ),
        )
        return Found(said=True)
    if things:
        return Found(_narrowed(things, fitting or is_open))
    return _open(talk, fitting)


def is_open(order: Order) -> bool:
    """Return whether an order is still to come."""
    return not order.status.endswith("requested") and order_timeline(order).status not in OVER


def order_of(talk: Talk, number: str) -> Order | None:
    """Return the customer's order of this number, however it is spelt; None for anybody else's."""
    if number not in talk.found_orders:
        talk.found_orders[number] = _look_up(talk, number)
    return talk.found_orders[number]


def _look_up(talk: Talk, number: str) -> Order | None:
    customer = talk.context.customer
    if customer is None:
        return None
    try:
        found = find_order(customer, number)
    except NotFound:
        return None
    whole: Order = whole_orders(Order.objects.all()).get(pk=found.pk)
    return whole


def item_kinds(talk: Talk, items: Iterable[OrderItem]) -> dict[str, str]:
    """Return the category of each product of these pieces."""
    del talk
    codes = {item.product_code for item in items}
    return dict(Product.objects.filter(code__in=codes).values_list("code", "category"))


def item_kinds_of(orders: Iterable[Order]) -> dict[str, str]:
    """Return the category of each product in these orders."""
    codes = {item.product_code for order in orders for item in order.items.all()}
    return dict(Product.objects.filter(code__in=codes).values_list("code", "category"))


def _numbered(talk: Talk, numbers: list[str]) -> Found:
    found = Found()
    for number in numbers:
        order = order_of(talk, number)
        if order is not None:
            found.orders.append(order)
        elif len(numbers) == 1 or not found.orders:
            say_not_found(talk, number)
            found.said = True
    found.said = found.said and not found.orders
    return found if len(found.orders) < 2 else Found(found.orders[:1])  # noqa: PLR2004 (each is asked for by itself)


def say_not_found(talk: Talk, number: str) -> None:
    """Say that there is no such order, offering a near number of theirs."""
    near = near_orders(talk.context.customer, number) if talk.context.customer else []
    if not near:
        talk.say("order_not_found", code=plain(number))
        return
    codes = f" {talk.words('or')} ".join(plain(order.code) for order in near)
    talk.say("order_near", code=plain(number), near=codes)
    talk.offer([Option(order.code, order.code) for order in near])


def _before(talk: Talk, request: Request) -> list[Order]:
    """The order that "it", "that order" or "the first one" means."""
    state = talk.state
    codes: list[str] = []
    if request.place is not None and state.listed == "orders" and is_place(request.place, state.orders):
        codes = [state.orders[request.place]]
    elif (
        state.order
        and (request.back or request.place is not None or _is_bare(request))
        and not request.products
        and not _names_things(talk, request)
    ):
        codes = [state.order]
    return [order for code in codes if (order := order_of(talk, code))]


def _is_bare(request: Request) -> bool:
    """Whether a change is asked for in a word: "cancel", after it was said that it can be."""
    return request.goal in goals.CHANGES and len(request.text.split()) <= 2  # noqa: PLR2004 (words)


def _names_things(talk: Talk, request: Request) -> bool:
    """Whether the request names things that are in other orders than the one in focus."""
    things = orders_with(talk.orders, request.text, item_kinds_of(talk.orders))
    return bool(things) and talk.state.order not in {order.code for order in things} and bool(content(request.text))


def _narrowed(orders: list[Order], fitting: Callable[[Order], bool]) -> list[Order]:
    return [order for order in orders if fitting(order)] or orders


def _open(talk: Talk, fitting: Callable[[Order], bool] | None) -> Found:
    orders = talk.orders
    if not orders:
        talk.say("no_orders")
        return Found(said=True)
    chosen = [order for order in orders if (fitting or is_open)(order)]
    if chosen:
        return Found(chosen)
    if fitting:
        talk.say("no_fitting_orders")
        return Found(said=True)
    talk.say("no_open_orders", code=plain(orders[0].code))
    return Found(orders[:1])
