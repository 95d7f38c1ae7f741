"""How far refunds, returns and complaints have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from agents.dialogue.finding import find_orders, order_of, say_not_found
from agents.dialogue.references import content, orders_with
from agents.dialogue.saying import listed, plain
from commerce.models import Complaint, PaymentKind, Refund
from commerce.money import ZERO

if TYPE_CHECKING:
    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk
    from commerce.models import Order

MAX_TOLD = 4


def answer_refunds(talk: Talk, request: Request) -> None:
    """Say how far a refund or a return is."""
    if not talk.uses("get_refund_status"):
        talk.ask_documents(request.text)
        return
    refunds = Refund.objects.select_related("order").filter(order__customer=talk.context.customer)
    if codes := _numbers(request, "RFD-"):
        found = [row for code in codes for row in refunds.filter(code__iexact=code)]
        if not found:
            talk.say("refund_not_found", code=plain(codes[0]))
        for row in found:
            _refund(talk, row)
        return
    order = _order(talk, request)
    if order is None:
        if not talk.state.choosing and not _said(talk):
            _all_refunds(talk, list(refunds[:MAX_TOLD]))
        return
    _refunds_of(talk, order, list(refunds.filter(order=order)))


def answer_complaints(talk: Talk, request: Request) -> None:
    """Say how far a complaint is."""
    if not talk.uses("get_complaint_status"):
        talk.ask_documents(request.text)
        return
    complaints = Complaint.objects.select_related("order").filter(customer=talk.context.customer)
    if codes := _numbers(request, "CMP-"):
        found = [row for code in codes for row in complaints.filter(code__iexact=code)]
        if not found:
            talk.say("complaint_not_found", code=plain(codes[0]))
        for row in found:
            _complaint(talk, row)
        return
    order = _order(talk, request)
    rows = list(complaints.filter(order=order) if order else complaints[:MAX_TOLD])
    if not rows and not _said(talk):
        talk.say("complaint_none", code=plain(order.code)) if order else talk.say("complaints_none")
    for row in rows:
        _complaint(talk, row)


def _numbers(request: Request, prefix: str) -> list[str]:
    return [number for number in request.orders if number.startswith(prefix)]


def _said(talk: Talk) -> bool:
    return talk.has_sentences


def _order(talk: Talk, request: Request) -> Order | None:
    """The order a request is about, if it names one or points back to one; says so when it is not theirs."""
    if request.orders:
        order = order_of(talk, request.orders[0])
        if order is None:
            say_not_found(talk, request.orders[0])
        return order
    if talk.state.order and (request.back or request.place is not None):
        return order_of(talk, talk.state.order)
    if request.products or len(content(request.text)) > 1:
        kinds: dict[str, str] = {}
        with_it = orders_with(talk.orders, request.text, kinds, request.products)
        if len(with_it) == 1:
            return with_it[0]
        if request.products and not with_it:
            find_orders(talk, request)
    return None


def _all_refunds(talk: Talk, refunds: list[Refund]) -> None:
    if not refunds:
        returning = [order for order in talk.orders if hasattr(order, "returned")]
        for order in returning[:MAX_TOLD]:
            _refunds_of(talk, order, [])
        if not returning:
            talk.say("refunds_none")
    for row in refunds:
        _refund(talk, row)


def _refunds_of(talk: Talk, order: Order, refunds: list[Refund]) -> None:
    talk.state.saw_order(order.code)
    for row in refunds:
        _refund(talk, row)
    if refunds:
        return
    code = plain(order.code)
    back = sum((entry.amount for entry in order.payments.all() if entry.kind == PaymentKind.REFUND), ZERO)
    returned = getattr(order, "returned", None)
    if returned is not None:
        names = {item.variant_code: item.name for item in order.items.all()}
        items = listed([plain(names.get(item, item)) for item in returned.items], talk.language)
        talk.say("return_running", code=code, items=items, amount=talk.money(returned.amount, order.currency))
    elif order.status == "cancelled":
        talk.say("cancelled_refund", code=code, amount=talk.money(back, order.currency))
    else:
        talk.say("refund_none", code=code)


def _refund(talk: Talk, row: Refund) -> None:
    talk.state.saw_order(row.order.code)
    talk.say(
        "refund_line",
        code=plain(row.code),
        amount=talk.money(row.amount, row.order.currency),
        order=plain(row.order.code),
        status=talk.words(f"refund_{row.status}"),
    )
    if row.decided_at:
        talk.say("refund_on", date=talk.day(timezone.localdate(row.decided_at)))


def _complaint(talk: Talk, row: Complaint) -> None:
    if row.order:
        talk.state.saw_order(row.order.code)
    about = (
        talk.words("complaint_about_order", order=plain(row.order.code))
        if row.order
        else talk.words("complaint_about_shop")
    )
    talk.say("complaint_line", code=plain(row.code), about=about, status=talk.words(f"complaint_{row.status}"))
    if row.resolution:
        talk.say("complaint_answer", text=plain(row.resolution))
