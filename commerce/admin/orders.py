"""Orders and their parcels: to be looked at, and changed by services alone."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from commerce.admin.base import ReadOnlyInline, RowsInline
from commerce.admin.files import FilesAdmin
from commerce.models import Delivery, DeliveryEvent, Order, OrderItem, Payment
from commerce.records import order_record
from commerce.services.deliveries import record_delivery_event
from commerce.services.errors import CommerceError
from commerce.services.orders import CANCEL_REASONS, cancel_order
from tenants.admin.base import ReadOnlyAdmin, actor, may
from tenants.models import Role

NO_LONGER_NEEDED, BY_MISTAKE = CANCEL_REASONS


class ItemInline(ReadOnlyInline):
    roles = (Role.AGENT,)
    model = OrderItem
    fields = ("name", "variant_code", "chosen", "price")
    readonly_fields = ("chosen",)

    @admin.display(description="Options")
    def chosen(self, item: OrderItem) -> str:
        return ", ".join(f"{name}: {value}" for name, value in item.options.items())


class PaymentInline(ReadOnlyInline):
    roles = (Role.AGENT,)
    model = Payment
    fields = ("kind", "amount", "method_code", "at")


class DeliveryInline(ReadOnlyInline):
    roles = (Role.AGENT,)
    model = Delivery
    fields = ("parcel", "carrier", "status", "expected_on")
    readonly_fields = ("parcel",)

    @admin.display(description="Parcel")
    def parcel(self, delivery: Delivery) -> SafeString:
        page = reverse("admin:commerce_delivery_change", args=[delivery.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', page, str(delivery))


@admin.register(Order)
class OrderAdmin(FilesAdmin):
    """What was bought. The actions are those of the agent's tools, with the same rules."""

    roles = (Role.AGENT,)
    table = "orders"
    list_display = ("code", "customer", "status", "currency", "placed_at", "expected_on")
    list_filter = ("status",)
    list_select_related = ("customer",)
    search_fields = ("code", "customer__code", "customer__last_name", "customer__email", "=items__variant_code")
    search_help_text = "Order number, customer or item id"
    empty_hint = "Orders come in by import: a table, or a whole shop."
    inlines = (ItemInline, PaymentInline, DeliveryInline)
    actions = ("cancel_not_needed", "cancel_mistake")
    fields = ("code", "customer", "status", "currency", "placed_at", "expected_on", "address", "cancel_reason", "since")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"show_save": False, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return] # unfold ships no types

    @admin.display(description="Sent to")
    def address(self, order: Order) -> str:
        parts = (order.address1, order.address2, order.zip, order.city, order.state, order.country)
        return ", ".join(filter(None, parts))

    @admin.display(description="Asked for since")
    def since(self, order: Order) -> str:
        """The return or exchange, if there is one."""
        record = order_record(order)
        if "return_items" in record:
            return f"Return of {', '.join(record['return_items'])}: {order.returned.amount} {order.currency}"
        if "exchange_items" in record:
            old, new = ", ".join(record["exchange_items"]), ", ".join(record["exchange_new_items"])
            return f"Exchange of {old} for {new}: {order.exchanged.difference} {order.currency}"
        return "Nothing"

    @admin.action(description="Cancel: no longer needed", permissions=["change"])
    def cancel_not_needed(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._cancel(request, queryset, NO_LONGER_NEEDED)

    @admin.action(description="Cancel: ordered by mistake", permissions=["change"])
    def cancel_mistake(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._cancel(request, queryset, BY_MISTAKE)

    @staticmethod
    def _cancel(request: HttpRequest, orders: QuerySet[Order], reason: str) -> None:
        for order in orders.select_related("customer"):
            try:
                change = cancel_order(
                    customer=order.customer, order_code=order.code, reason=reason, actor=actor(request)
                )
            except CommerceError as error:
                messages.error(request, str(error))
            else:
                text = f"Order {order.code} is cancelled; {-change.amount} {order.currency} goes back."
                messages.success(request, text)


class EventInline(RowsInline):
    """What happened to a parcel; more can be added, nothing changed."""

    roles = (Role.AGENT,)
    model = DeliveryEvent
    fields = ("at", "status", "place", "text")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Parcels, each with where it was."""

    roles = (Role.AGENT,)
    list_display = ("__str__", "order", "carrier", "status", "expected_on")
    list_filter = ("status", "carrier")
    list_select_related = ("order",)
    search_fields = ("order__code", "tracking_codes")
    search_help_text = "Order number or tracking number"
    inlines = (EventInline,)
    fields = ("order", "tracking", "contents", "carrier", "status", "expected_on")
    readonly_fields = fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    @admin.display(description="Tracking numbers")
    def tracking(self, delivery: Delivery) -> str:
        return ", ".join(delivery.tracking_codes)

    @admin.display(description="Items")
    def contents(self, delivery: Delivery) -> str:
        return ", ".join(delivery.items)

    def save_model(self, request: HttpRequest, obj: Delivery, form: Any, change: bool) -> None:
        """Nothing: only events are added."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        for event in formset.save(commit=False):
            record_delivery_event(
                delivery=form.instance,
                status=event.status,
                at=event.at,
                place=event.place,
                text=event.text,
                actor=actor(request),
            )
