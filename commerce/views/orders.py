"""A signed-in customer's own orders."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commerce.models import Customer, Order, OrderItem, PaymentMethod, Product
from commerce.queries import Timeline, customer_of, order_timeline, order_total, orders_of
from commerce.services.errors import CommerceError
from commerce.services.finding import find_order
from commerce.services.refunds import refundable
from commerce.services.returns import DELIVERED, require_in_time
from tenants.access import TenantRequest, tenant_view

P = ParamSpec("P")

LISTED = 30  # orders on a page of the list
QUIET = frozenset({"delivered", "cancelled", "return requested", "exchange requested"})  # nothing is under way


def signed_in(
    view: Callable[Concatenate[TenantRequest, P], HttpResponse],
) -> Callable[..., HttpResponseBase]:
    """A view under /<slug>/ of a person who has signed in; others are asked to, and come back here."""

    def personal(request: TenantRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.access.user is None:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return functools.wraps(view)(tenant_view()(personal))


def own_customer(request: TenantRequest) -> Customer | None:
    """Whom the signed-in person is here, as a customer."""
    return customer_of(request.access.user) if request.access.user else None


def own_order(request: TenantRequest, code: str) -> tuple[Customer, Order]:
    """The signed-in person's own order, whole; Http404 for a missing one and for anybody else's alike."""
    customer = own_customer(request)
    if customer is None:
        raise Http404("No such order")
    try:
        found = find_order(customer, code.replace("\0", ""))
    except CommerceError as error:
        raise Http404("No such order") from error
    whole: Order = orders_of(customer).prefetch_related("complaints", "refunds").get(pk=found.pk)
    return customer, whole


@require_GET
@signed_in
def orders(request: TenantRequest) -> HttpResponse:
    """One's orders, with the newest one opened beside the list."""
    return _page(request, own_customer(request), None)


@require_GET
@signed_in
def order(request: TenantRequest, code: str) -> HttpResponse:
    """One order beside the list of all."""
    customer, shown = own_order(request, code)
    return _page(request, customer, shown)


def _page(request: TenantRequest, customer: Customer | None, shown: Order | None) -> HttpResponse:
    page = Paginator(orders_of(customer) if customer else Order.objects.none(), LISTED).get_page(
        request.GET.get("page")
    )
    listed = list(page.object_list)
    context: dict[str, Any] = {"page": page, "active": "orders", "has_detail": shown is not None}
    context["listed"] = [_line(each) for each in listed]
    if customer is not None and shown is None and listed:
        shown = orders_of(customer).prefetch_related("complaints", "refunds").get(pk=listed[0].pk)
    if customer is not None and shown is not None:
        context |= order_context(customer, shown) | {"sent": _sent(shown, request.GET.get("sent", ""))}
    return render(request, "commerce/orders.html", context)


def _line(listed: Order) -> dict[str, Any]:
    """What the list says of an order."""
    return {
        "order": listed,
        "items": list(listed.items.all()),
        "total": order_total(listed),
        "state": state_of(listed, order_timeline(listed)),
        "quiet": listed.status in QUIET,
    }


def order_context(customer: Customer, shown: Order) -> dict[str, Any]:
    """All that a page shows of one order."""
    items = list(shown.items.all())
    methods = {method.code: method for method in PaymentMethod.objects.filter(customer=customer)}
    payments = list(shown.payments.all())
    paid_with = dict.fromkeys(str(methods.get(entry.method_code, entry.method_code)) for entry in payments[:1])
    timeline = order_timeline(shown)
    return {
        "order": shown,
        "items": _with_drawings(items),
        "total": order_total(shown),
        "timeline": timeline,
        "parcels": _parcels(shown),
        "state": state_of(shown, timeline),
        "quiet": shown.status in QUIET,
        "payments": [(entry, methods.get(entry.method_code)) for entry in payments],
        "paid_with": ", ".join(paid_with),
        "returned": getattr(shown, "returned", None),
        "exchanged": getattr(shown, "exchanged", None),
        "may_return": may_return(shown),
        "refundable": refundable(shown),
    }


def state_of(shown: Order, timeline: Timeline) -> str:
    """Where an order is, in a word or two for its badge."""
    if shown.status in QUIET and shown.status != DELIVERED:
        return shown.status.capitalize()
    if timeline.status == "returned":
        return "Returned to sender"
    current = next((step for step in timeline.steps if step.current), None)
    return str(current.status.label) if current else shown.status.capitalize()


def may_return(shown: Order) -> bool:
    """Whether goods of the order can be sent back now."""
    try:
        require_in_time(shown)
    except CommerceError:
        return False
    return shown.status == DELIVERED


def _parcels(shown: Order) -> list[Timeline]:
    """The way of each parcel, where there are several that tell something."""
    telling = [parcel for parcel in shown.deliveries.all() if parcel.status or parcel.events.all()]
    return [order_timeline(shown, parcel) for parcel in telling] if len(telling) > 1 else []


def _with_drawings(items: Sequence[OrderItem]) -> list[tuple[OrderItem, Product | None]]:
    known = {
        product.code: product
        for product in Product.objects.filter(code__in={item.product_code for item in items}, active=True)
    }
    return [(item, known.get(item.product_code)) for item in items]


def _sent(shown: Order, code: str) -> str:
    """A sentence on what has just been sent, if it is indeed there."""
    if any(complaint.code == code for complaint in shown.complaints.all()):
        return f"Your complaint has the number {code}. A person reads it and answers you."
    if any(refund.code == code for refund in shown.refunds.all()):
        return f"Your request for a refund has the number {code}. A person decides on it and tells you."
    if code == "return" and getattr(shown, "returned", None):
        return "Your return is noted. We will tell you by e-mail how to send the items back."
    return ""
