"""The forms of a customer for an order of theirs: a complaint, a return, a refund."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from commerce.forms import ComplaintForm, OnceForm, RefundForm, ReturnForm, money_goes_to
from commerce.models import Customer, Order, PaymentMethod
from commerce.services.care import file_complaint
from commerce.services.errors import CommerceError
from commerce.services.refunds import refundable, request_refund
from commerce.services.returns import return_items
from commerce.views.orders import may_return, order_context, own_order, signed_in
from tenants.access import TenantRequest

#: What a refusal of the shop's rules means for the person, and the field that it is about.
REFUSALS = {
    "wrong_status": ("", "This order cannot be returned any more: it has been returned or changed already."),
    "too_late": ("", "The time for sending goods of this order back is over. Ask us in the chat, we will see."),
    "no_items": ("items", "Choose at least one item."),
    "not_found": ("", "Something about this order has changed meanwhile. Please look at it again."),
    "wrong_method": ("method", "The money can go to what the order was paid with, or to a gift card of yours."),
    "bad_complaint": ("text", "Please write at least one full sentence, so that we can help at once."),
    "wrong_amount": ("amount", "That is more than can be given back for this order."),
}


@require_http_methods(["GET", "POST"])
@signed_in
def complaint(request: TenantRequest, code: str) -> HttpResponse:
    """Something is wrong with an order."""
    customer, order = own_order(request, code)
    form = ComplaintForm(request.POST or None, order=order)

    def send() -> str:
        filed = file_complaint(
            customer=customer,
            order=order,
            text=form.cleaned_data["text"],
            kind=form.cleaned_data["kind"],
            wanted=form.cleaned_data["wanted"],
            item_codes=form.item_codes,
            actor=request.access.actor,
            key=form.key(f"complaint:{order.pk}"),
        )
        return str(filed.detail["code"])

    return _answer(request, customer, order, form, send, "commerce/complaint.html", {})


@require_http_methods(["GET", "POST"])
@signed_in
def send_back(request: TenantRequest, code: str) -> HttpResponse:
    """Items of a delivered order are to be sent back."""
    customer, order = own_order(request, code)
    methods = _methods(customer, order)
    form = ReturnForm(request.POST or None, order=order, methods=methods)

    def send() -> str:
        return_items(
            customer=customer,
            order_code=order.code,
            item_codes=form.item_codes,
            method_code=form.cleaned_data["method"],
            actor=request.access.actor,
            key=form.key(f"return:{order.pk}"),
        )
        return "return"

    return _answer(request, customer, order, form, send, "commerce/return.html", {"methods": methods})


@require_http_methods(["GET", "POST"])
@signed_in
def refund(request: TenantRequest, code: str) -> HttpResponse:
    """Money of an order is asked back."""
    customer, order = own_order(request, code)
    methods = _methods(customer, order)
    form = RefundForm(request.POST or None, methods=methods)

    def send() -> str:
        asked = request_refund(
            customer=customer,
            order_code=order.code,
            amount=form.cleaned_data["amount"],
            reason=form.cleaned_data["reason"],
            method_code=form.cleaned_data["method"],
            currency=order.currency,
            actor=request.access.actor,
            key=form.key(f"refund:{order.pk}"),
        )
        return str(asked.detail["code"])

    return _answer(request, customer, order, form, send, "commerce/refund.html", {"methods": methods})


def _methods(customer: Customer, order: Order) -> list[PaymentMethod]:
    return money_goes_to(order, list(PaymentMethod.objects.filter(customer=customer)))


def _answer(  # noqa: PLR0913, PLR0917 (what the three forms share, each named once)
    request: TenantRequest,
    customer: Customer,
    order: Order,
    form: OnceForm,
    send: Callable[[], str],
    template: str,
    context: dict[str, Any],
) -> HttpResponse:
    """The form, with what is wrong beside its fields; once it has been sent, the order with its notice."""
    if request.method == "POST" and form.is_valid():
        try:
            sent = send()
        except CommerceError as error:
            field, sentence = REFUSALS.get(error.code, ("", "That could not be done. Nothing was changed."))
            form.add_error(field if field in form.fields else None, sentence)
        else:
            address = reverse("commerce:order", args=[request.tenant.slug, order.code])
            return redirect(f"{address}?{urlencode({'sent': sent})}")
    context |= order_context(customer, order) | {"form": form, "active": "orders", "may_return": may_return(order)}
    context["most"] = refundable(order)
    return render(request, template, context)
