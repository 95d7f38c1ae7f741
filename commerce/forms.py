"""What people fill in on the shop's pages."""

import hashlib
import json
import re
import uuid
from collections import Counter
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from commerce.models import Order, OrderItem, PaymentMethod, PaymentSource
from commerce.models.care import ComplaintKind, Wanted
from commerce.money import has_cents_only
from commerce.queries import SORTS, Search
from commerce.services.care import MAX_TEXT
from commerce.services.refunds import MAX_REASON

TRAY = 4  # products that are compared at most
VALUES = 50  # of one filter that count
SENTENCE = 10  # letters that a complaint has at least
_CURRENCY = r"(?:[$€£¥]|[A-Za-z]{3})?"
_AMOUNT = re.compile(
    rf"{_CURRENCY}\s*(?P<whole>\d{{1,3}}(?P<group>[.,'\s])\d{{3}}(?:(?P=group)\d{{3}})*|\d{{1,9}})"
    rf"(?:(?P<point>[.,])(?P<cents>\d{{1,2}}))?\s*{_CURRENCY}"
)


def read_amount(text: str) -> Decimal | None:
    """An amount as people write it: 1500, $1,500, 1.500,00 €, 49.9; None for anything else.

    A separator with three digits behind it separates thousands, one with one or two separates cents.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found["group"] == found["point"] is not None:
        return None
    whole = re.sub(r"\D", "", found["whole"])
    return Decimal(f"{whole}.{found['cents'] or '0'}")


class AmountField(forms.CharField):
    """An amount of money, as people write it."""

    default_error_messages = {"amount": _("“%(text)s” is no amount. Write it like 49.99.")}

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        amount = read_amount(text)
        if amount is None:
            raise forms.ValidationError(self.error_messages["amount"], code="amount", params={"text": text[:20]})
        return amount


class BrowseForm(forms.Form):
    """What the product browser shows, as the address says it; anything unfit counts as not given."""

    q = forms.CharField(required=False, max_length=200)
    low = AmountField(required=False, max_length=20)
    high = AmountField(required=False, max_length=20)
    stock = forms.BooleanField(required=False)
    sort = forms.ChoiceField(required=False, choices=[(sort, sort) for sort in ("", *SORTS)])
    page = forms.IntegerField(required=False, min_value=1, max_value=10**6)

    def __init__(self, given: QueryDict) -> None:
        super().__init__(given)
        self.given = given

    def search(self) -> Search:
        """What is to be looked for."""
        self.is_valid()
        found = self.cleaned_data
        return Search(
            text=found.get("q") or "",
            categories=tuple(self._several("category")),
            brands=tuple(self._several("brand")),
            low=found.get("low"),
            high=found.get("high"),
            in_stock=bool(found.get("stock")),
            sort=found.get("sort") or "",
            page=found.get("page") or 1,
        )

    def tray(self) -> list[str]:
        """Codes of the products to compare, with one added or taken away."""
        dropped = set(self._several("drop"))
        codes = dict.fromkeys([*self._several("p"), *self._several("add")])
        return [code for code in codes if code not in dropped][:TRAY]

    def _several(self, name: str) -> list[str]:
        values = (value.replace("\0", "") for value in self.given.getlist(name))
        return [value for value in values if value][:VALUES]


class OnceForm(forms.Form):
    """A form that acts once, however often it is sent: by an id that stands in it, together with what was filled in."""

    once = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _("Please send the form once more.")})

    def key(self, name: str) -> str:
        """What the service knows the sending by; the same for the same content, another once something is changed."""
        content = {field: str(value) for field, value in sorted(self.cleaned_data.items())}
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return f"page:{name}:{digest}"

    @property
    def id_to_send(self) -> str:
        """The id for the next sending: the one that came in, or a new one."""
        try:
            return str(uuid.UUID(str(self.data.get("once", ""))))
        except ValueError:
            return str(uuid.uuid4())


class ItemsForm(OnceForm):
    """A form about items of an order. A choice is the row of an item, as an order may hold the same one twice."""

    items = forms.MultipleChoiceField(error_messages={"required": _("Choose at least one item.")})

    def __init__(self, data: Any = None, *, order: Order) -> None:
        super().__init__(data)
        self.pieces: list[OrderItem] = list(order.items.all())
        field = self.fields["items"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 (it is declared above)
        field.choices = [(str(piece.pk), piece.name) for piece in self.pieces]

    @property
    def item_codes(self) -> list[str]:
        """Codes of the chosen items, one as often as it was chosen."""
        chosen = Counter(self.cleaned_data["items"])
        return [piece.variant_code for piece in self.pieces if chosen[str(piece.pk)]]


class ComplaintForm(ItemsForm):
    """What is wrong with an order."""

    kind = forms.ChoiceField(
        choices=ComplaintKind.choices, error_messages={"required": _("Choose what comes closest.")}
    )
    text = forms.CharField(
        max_length=MAX_TEXT,
        min_length=SENTENCE,
        error_messages={
            "required": _("Please write at least one full sentence, so that we can help at once."),
            "min_length": _("Please write at least one full sentence, so that we can help at once."),
            "max_length": _("That is longer than %(limit_value)d characters. Please shorten it a little."),
        },
    )
    wanted = forms.ChoiceField(required=False, choices=[("", ""), *Wanted.choices])

    def __init__(self, data: Any = None, *, order: Order) -> None:
        super().__init__(data, order=order)
        self.fields["items"].required = False


class ReturnForm(ItemsForm):
    """What is to be sent back, and where the money is to go."""

    method = forms.ChoiceField(error_messages={"required": _("Choose where the money is to go.")})

    def __init__(self, data: Any = None, *, order: Order, methods: list[PaymentMethod]) -> None:
        super().__init__(data, order=order)
        offer_methods(self, methods)


class RefundForm(OnceForm):
    """Money that is asked back without sending anything."""

    amount = AmountField(max_length=20, error_messages={"required": _("Write how much you ask back, like 49.99.")})
    reason = forms.CharField(
        max_length=MAX_REASON,
        error_messages={
            "required": _("Please say why, in a sentence or two."),
            "max_length": _("That is longer than %(limit_value)d characters. Please shorten it a little."),
        },
    )
    method = forms.ChoiceField(error_messages={"required": _("Choose where the money is to go.")})

    def __init__(self, data: Any = None, *, methods: list[PaymentMethod]) -> None:
        super().__init__(data)
        offer_methods(self, methods)

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0 or not has_cents_only(amount):
            raise forms.ValidationError(_("The amount must be above zero."))
        return amount


def offer_methods(form: forms.Form, methods: list[PaymentMethod]) -> None:
    """Lets the form's `method` be one of these."""
    field = form.fields["method"]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 (both forms declare it)
    field.choices = [(method.code, str(method)) for method in methods]


def money_goes_to(order: Order, methods: list[PaymentMethod]) -> list[PaymentMethod]:
    """Where money of an order may go: the method that paid it first, and the customer's gift cards."""
    paid = next(iter(order.payments.all()), None)
    first = [method for method in methods if paid and method.code == paid.method_code]
    gift_cards = [method for method in methods if method.source == PaymentSource.GIFT_CARD and method not in first]
    return first + gift_cards
