"""What a change did, and how it is done once."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Self

from django.db import IntegrityError, transaction

from commerce.models import Customer, Operation, PaymentMethod
from commerce.money import ZERO
from commerce.services.errors import CommerceError

MAX_KEY = 200  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of an order that a change is about; the new ones are empty where nothing takes its place."""

    item: str
    name: str
    options: Mapping[str, Any]
    price: Decimal
    new_item: str = ""
    new_options: Mapping[str, Any] = field(default_factory=dict)
    new_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that moved: an entry that the change added to the payment history. `kind`: "payment" or "refund"."""

    kind: str
    amount: Decimal
    method: str
    label: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, with all that a summary of it needs.

    Attributes:
        name: the service, such as "cancel_order".
        order: the order's code; empty where it is about none.
        lines: the pieces it is about.
        amount: what the customer pays (above zero) or gets back (below).
        currency: of all amounts, three letters.
        method: how the amount is paid or given back, if by one method.
        result: the changed record in the form of the export: of an order, a customer, a complaint or a refund.
        entries: what was added to the payment history.
        balances: of each gift card that was charged or credited, afterwards.
        detail: what else a summary tells: the reason, the new address, the number of a complaint.
    """

    name: str
    order: str
    lines: tuple[Line, ...]
    amount: Decimal
    currency: str
    method: PaymentMethod | None
    result: dict[str, Any]
    entries: tuple[Entry, ...] = ()
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The change as JSON, to be kept under its key."""
        return {
            "order": self.order,
            "lines": [_as_text(asdict(line)) for line in self.lines],
            "amount": str(self.amount),
            "currency": self.currency,
            "method": self.method.code if self.method else None,
            "result": self.result,
            "entries": [_as_text(asdict(entry)) for entry in self.entries],
            "balances": {code: str(balance) for code, balance in self.balances.items()},
            "detail": dict(self.detail),
        }

    @classmethod
    def from_json(cls, name: str, customer: Customer, value: Mapping[str, Any]) -> Self:
        """The change that `to_json` kept."""
        method = PaymentMethod.objects.filter(customer=customer, code=value["method"]).first()
        return cls(
            name=name,
            order=value["order"],
            lines=tuple(Line(**_as_decimal(line, "price", "new_price")) for line in value["lines"]),
            amount=Decimal(value["amount"]),
            currency=value["currency"],
            method=method,
            result=value["result"],
            entries=tuple(Entry(**_as_decimal(entry, "amount")) for entry in value["entries"]),
            balances={code: Decimal(balance) for code, balance in value["balances"].items()},
            detail=value["detail"],
        )


def run_once(*, name: str, customer: Customer, key: str, change: Callable[[], Change]) -> Change:
    """Makes the change in a transaction; under a key that was used before, returns what was done then and does nothing.

    Whoever comes second under a key waits for the first: when that one fails, the second makes the change.

    Args:
        name: of the service.
        customer: whose change it is.
        key: empty for a change that may be made again.
        change: makes it, or raises and leaves nothing behind.

    Raises:
        CommerceError: "key_reused" when the key stands for another kind of change or somebody else's.
    """
    with transaction.atomic():
        operation = _claim(name, customer, key) if key else None
        if operation is not None and operation.result.get("change"):
            return Change.from_json(name, customer, operation.result["change"])
        made = change()
        if operation is not None:
            operation.result = {"customer": customer.code, "change": made.to_json()}
            operation.save(update_fields=["result"])
        return made


def _claim(name: str, customer: Customer, key: str) -> Operation:
    """The operation of this key: a new one, or the earlier with its result."""
    if len(key) > MAX_KEY:
        raise CommerceError("bad_key", f"A key has at most {MAX_KEY} characters.")
    try:
        with transaction.atomic():
            new: Operation = Operation.objects.create(key=key, name=name, result={"customer": customer.code})
            return new
    except IntegrityError:
        operation: Operation = Operation.objects.get(key=key)
    if operation.name != name or operation.result.get("customer") != customer.code:
        raise CommerceError("key_reused", f"The key {key} was used for another change.")
    return operation


def money_moved(entries: tuple[Entry, ...]) -> Decimal:
    """What the customer pays by these entries, less what they get back."""
    return sum((entry.amount if entry.kind == "payment" else -entry.amount for entry in entries), ZERO)


def _as_text(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _as_decimal(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {n: Decimal(value) if n in names and value is not None else value for n, value in values.items()}
