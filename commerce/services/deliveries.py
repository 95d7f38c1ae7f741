"""Where parcels are."""

import datetime as dt
from collections import Counter

from django.db import transaction

from commerce.models import Delivery, DeliveryEvent, DeliveryStatus, Order
from commerce.services.errors import CommerceError
from tenants.services import record_audit

#: An order in one of these is delivered once all its parcels are.
ON_ITS_WAY = ("processed",)


@transaction.atomic
def record_delivery_event(  # noqa: PLR0913 (what an event holds, by name)
    *, delivery: Delivery, status: str, at: dt.datetime, actor: str, place: str = "", text: str = ""
) -> DeliveryEvent:
    """Notes where a parcel was; the same event again does nothing. The latest event is the parcel's status.

    A processed order becomes delivered once all its pieces have been.

    Raises:
        CommerceError: bad_event when the status is none of DeliveryStatus, or a text is too long.
    """
    if status not in DeliveryStatus.values or len(place) > 120 or len(text) > 300:  # noqa: PLR2004 (the columns' lengths)
        raise CommerceError("bad_event", f"The status must be one of: {', '.join(DeliveryStatus.values)}.")
    order: Order = Order.objects.select_for_update().get(pk=delivery.order_id)
    event: DeliveryEvent
    event, new = DeliveryEvent.objects.get_or_create(delivery=delivery, at=at, status=status, place=place, text=text)
    if new:
        latest = delivery.events.last()
        delivery.status = latest.status if latest else status
        delivery.save(update_fields=["status"])
        if order.status in ON_ITS_WAY and _all_delivered(order):
            order.status = "delivered"
            order.save(update_fields=["status"])
        detail: dict[str, object] = {"parcel": str(delivery), "status": str(status)}
        record_audit(actor=actor, action="delivery.event", target=order.code, detail=detail)
    return event


def _all_delivered(order: Order) -> bool:
    arrived: Counter[str] = Counter()
    for delivery in order.deliveries.all():
        if delivery.status != DeliveryStatus.DELIVERED:
            return False
        arrived.update(delivery.items)
    return not Counter(order.items.values_list("variant_code", flat=True)) - arrived
