"""Where an order is, as five steps."""

import datetime as dt
from dataclasses import dataclass

from commerce.models import Delivery, DeliveryEvent, DeliveryStatus, Order

STEPS = (
    DeliveryStatus.ORDERED,
    DeliveryStatus.PACKED,
    DeliveryStatus.IN_TRANSIT,
    DeliveryStatus.OUT,
    DeliveryStatus.DELIVERED,
)
#: How far an order is whose deliveries tell nothing; those of return and exchange have been delivered before.
BY_STATUS = {
    "processed": DeliveryStatus.PACKED,
    "delivered": DeliveryStatus.DELIVERED,
    "return requested": DeliveryStatus.DELIVERED,
    "exchange requested": DeliveryStatus.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One of the five steps. `at` and `place` are known of steps that an event tells of; `day` is the expected one.

    Attributes:
        status: a value of DeliveryStatus.
        done: whether it is behind.
        current: whether this is where the order is; a delivered order is at its last step, which is done, too.
        day: of the last step, while it is to come: when it is expected.
    """

    status: DeliveryStatus
    done: bool
    current: bool
    at: dt.datetime | None = None
    place: str = ""
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The way of an order or of one parcel: its steps, and what else there is to say.

    Attributes:
        steps: always five; of a cancelled order only the first is done, and none is current.
        status: where it is: a value of DeliveryStatus, or "cancelled".
        expected_on: when it is expected; None once it has come, or where nobody knows.
        carrier: who brings it.
        tracking_codes: its parcels' numbers.
    """

    steps: tuple[TimelineStep, ...]
    status: str
    expected_on: dt.date | None
    carrier: str
    tracking_codes: tuple[str, ...]


def order_timeline(order: Order, delivery: Delivery | None = None) -> Timeline:
    """Where an order is, by the delivery that is least far, or the one that is given.

    Where deliveries tell nothing, the order's own status does: pending is ordered, processed is packed. Nothing is made
    up: a step without an event has neither time nor place, only "ordered" has the time of the order.
    """
    deliveries = [delivery] if delivery else list(order.deliveries.all())
    reached = [(_reached(order, parcel), parcel) for parcel in deliveries]
    status, slowest = min(reached, key=lambda pair: _place(pair[0])) if reached else (_by_status(order), None)
    cancelled = order.status == "cancelled"
    events = _events([slowest] if slowest else [])
    over = cancelled or status in (DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED)
    expected = None if over else (slowest.expected_on if slowest else None) or order.expected_on
    return Timeline(
        steps=_steps(order, None if cancelled else status, events, expected),
        status="cancelled" if cancelled else status.value,
        expected_on=expected,
        carrier=slowest.carrier if slowest else "",
        tracking_codes=tuple(str(code) for parcel in deliveries for code in parcel.tracking_codes),
    )


def _reached(order: Order, parcel: Delivery) -> DeliveryStatus:
    """How far a parcel is: by its own status or its last event, whichever is further, else by the order's."""
    told = [
        DeliveryStatus(status) for status in (parcel.status, *(event.status for event in parcel.events.all())) if status
    ]
    if not told:
        return _by_status(order)
    return max(told, key=_place)


def _by_status(order: Order) -> DeliveryStatus:
    return BY_STATUS.get(order.status, DeliveryStatus.ORDERED)


def _place(status: DeliveryStatus) -> int:
    """How far a status is along the way; what is returned to the sender is beyond it."""
    return STEPS.index(status) if status in STEPS else len(STEPS)


def _events(parcels: list[Delivery]) -> dict[str, DeliveryEvent]:
    """The last event of each status."""
    return {event.status: event for parcel in parcels for event in parcel.events.all()}


def _steps(
    order: Order, status: DeliveryStatus | None, events: dict[str, DeliveryEvent], expected: dt.date | None
) -> tuple[TimelineStep, ...]:
    reached = -1 if status is None else min(_place(status), len(STEPS) - 1)
    steps = []
    for place, step in enumerate(STEPS):
        event = events.get(step) if place <= max(reached, 0) else None
        last = place == len(STEPS) - 1
        steps.append(
            TimelineStep(
                status=step,
                done=place < reached
                or (status is None and place == 0)
                or (last and status == DeliveryStatus.DELIVERED),
                current=place == reached and status != DeliveryStatus.RETURNED,
                at=event.at if event else order.placed_at if place == 0 else None,
                place=event.place if event else "",
                day=expected if last and place > reached else None,
            )
        )
    return tuple(steps)
