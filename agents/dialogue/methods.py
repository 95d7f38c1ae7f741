"""Payment methods that a customer may choose between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.dialogue.references import content
from agents.dialogue.state import Option
from commerce.models import PaymentKind, PaymentMethod, PaymentSource
from commerce.money import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from agents.dialogue.talk import Talk
    from commerce.models import Order

WORDS = {
    PaymentSource.CARD: "card credit tarjeta crédito karte kreditkarte carte",
    PaymentSource.PAYPAL: "paypal pay pal",
    PaymentSource.GIFT_CARD: "gift voucher regalo gutschein geschenkkarte geschenk cadeau",
}


def methods_of(talk: Talk) -> list[PaymentMethod]:
    """Return the customer's payment methods, in their order."""
    return list(PaymentMethod.objects.filter(customer=talk.context.customer))


def paid_with(order: Order) -> str:
    """Return the code of the method an order was paid with first."""
    first = next((entry for entry in order.payments.all() if entry.kind == PaymentKind.PAYMENT), None)
    return first.method_code if first else ""


def method_label(talk: Talk, method: PaymentMethod) -> str:
    """Return a payment method as customers know it."""
    balance = talk.money(method.balance or ZERO).replace("\\", "")
    return talk.words(
        f"method_{method.source}", brand=method.brand.title(), last_four=method.last_four, balance=balance
    ).strip()


def method_options(talk: Talk, methods: list[PaymentMethod]) -> list[Option]:
    """Return payment methods to choose between."""
    return [
        Option(method_label(talk, method), method.code, f"{WORDS[PaymentSource(method.source)]} {method.brand}")
        for method in methods
    ]


def refund_targets(talk: Talk, order: Order) -> list[PaymentMethod]:
    """Return where the money of a return may go: the method that paid, or a gift card."""
    original = paid_with(order)
    methods = methods_of(talk)
    return sorted(
        (method for method in methods if method.code == original or method.source == PaymentSource.GIFT_CARD),
        key=lambda method: method.code != original,
    )


def able_to_pay(talk: Talk, amount: Decimal, text: str, without: str = "") -> list[PaymentMethod]:
    """Return the methods that can pay an amount; says of a gift card that `text` asks for that it cannot."""
    able = []
    asked_for = content(text) & content(WORDS[PaymentSource.GIFT_CARD])
    for method in methods_of(talk):
        if method.code == without:
            continue
        balance = method.balance or ZERO
        if method.source == PaymentSource.GIFT_CARD and balance < amount:
            if asked_for:
                talk.say("gift_card_low", balance=talk.money(balance), amount=talk.money(amount))
        else:
            able.append(method)
    return able
