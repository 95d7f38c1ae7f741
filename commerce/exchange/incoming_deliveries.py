"""Parcels that come in: fulfilments say what is in them, deliveries where they are."""

from collections import Counter
from collections.abc import Sequence

from commerce.exchange.reading import Fields
from commerce.models import Delivery, DeliveryEvent, DeliveryStatus, Order, OrderItem


def read_deliveries(
    order: Order,
    fields: Fields,
    items: Sequence[OrderItem],
    deliveries: list[Delivery],
    events: list[DeliveryEvent],
) -> None:
    """Adds the order's parcels and their events to the lists: one for each fulfilment, and for each delivery beyond.

    A delivery and a fulfilment with the same tracking numbers are one parcel.
    """
    own = [_read_fulfilment(order, part) for part in fields.parts("fulfillments", "fulfilment")]
    waiting = list(own)
    for part in fields.parts("deliveries", "delivery", "tracking_id"):
        codes = part.texts("tracking_id")
        delivery = next((parcel for parcel in waiting if parcel.tracking_codes == codes), None)
        if delivery is None:
            delivery = Delivery(order=order, tracking_codes=codes)
            own.append(delivery)
        else:
            waiting.remove(delivery)
        _read_delivery(delivery, part, events)
    sold = {item.variant_code for item in items}
    for position, delivery in enumerate(own):
        delivery.position = position
        for code in sorted(set(delivery.items) - sold):
            fields.warn(f"parcel {delivery.tracking_codes} holds item {code}, which is not in the order")
    deliveries += own


def _read_fulfilment(order: Order, fields: Fields) -> Delivery:
    delivery = Delivery(order=order, tracking_codes=fields.texts("tracking_id"), items=fields.texts("item_ids"))
    fields.close()
    return delivery


def _read_delivery(delivery: Delivery, fields: Fields, events: list[DeliveryEvent]) -> None:
    items = fields.texts("items")
    if items and delivery.items and Counter(items) != Counter(delivery.items):
        fields.warn("its items are not those of its fulfilment, and were taken instead")
    delivery.items = items or delivery.items
    delivery.carrier = fields.text("carrier", limit=80)
    delivery.status = fields.choice("status", ["", *DeliveryStatus.values], "")
    delivery.expected_on = fields.day("expected_on", "expected_in_days")
    for part in fields.parts("events", "event"):
        at = part.moment("at", "days_ago")
        if at is None:
            part.error("“at” or “days_ago” is missing")
            continue
        status = part.choice("status", DeliveryStatus.values, "")
        place, text = part.text("place", limit=120), part.text("text", limit=300)
        events.append(DeliveryEvent(delivery=delivery, at=at, status=status, place=place, text=text))
        part.close()
    fields.close()
