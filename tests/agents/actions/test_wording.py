"""What is said of each kind of change, in each language, before and after."""

import pytest

from agents.actions import phrases
from agents.actions.kinds import CHANGES
from agents.actions.wording import Wording
from agents.phrases import PHRASES
from commerce.models import OrderItem, Variant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db

ADDRESS = {
    "address1": "2 Oak Road",
    "address2": "Flat 3",
    "city": "Leeds",
    "state": "",
    "country": "UK",
    "zip": "LS1 1AA",
}
SAID = [
    (
        "cancel_pending_order",
        {"order_id": "#W4", "reason": "no longer needed"},
        "Cancel order #W4; $20.00 goes back to the gift card.",
        "Order #W4 is cancelled; $20.00 goes back to the gift card.",
    ),
    (
        "modify_pending_order_address",
        {"order_id": "#W1", **ADDRESS},
        "Send order #W1 to 2 Oak Road, Flat 3, LS1 1AA, Leeds, UK.",
        "Order #W1 now goes to 2 Oak Road, Flat 3, LS1 1AA, Leeds, UK.",
    ),
    (
        "modify_pending_order_items",
        {"order_id": "#W1", "item_ids": ["L-RED"], "new_item_ids": ["L-BLUE"], "payment_method_id": "gift_1"},
        "In order #W1, swap Lamp (colour red) for kind blue; you pay $5.50 with the gift card.",
        "The items of order #W1 are changed; you pay $5.50 with the gift card.",
    ),
    (
        "modify_pending_order_payment",
        {"order_id": "#W1", "payment_method_id": "paypal_1"},
        "Pay $340.00 for order #W1 with PayPal instead; $340.00 goes back to Visa ending 4242.",
        "$340.00 for order #W1 is now paid with PayPal; $340.00 goes back to Visa ending 4242.",
    ),
    (
        "return_delivered_order_items",
        {"order_id": "#W2", "item_ids": ["L-RED", "L-RED", "D-OAK"], "payment_method_id": "gift_1"},
        "Return 2 × Lamp and Desk from order #W2; $340.00 goes back to the gift card once the goods have arrived.",
        (
            "The return of 2 × Lamp and Desk from order #W2 is recorded; "
            "$340.00 goes back to the gift card once the goods have arrived."
        ),
    ),
    (
        "exchange_delivered_order_items",
        {"order_id": "#W2", "item_ids": ["D-OAK"], "new_item_ids": ["D-PINE"], "payment_method_id": "card_1"},
        (
            "From order #W2, exchange Desk (wood oak) for kind pine; "
            "$50.00 goes back to Visa ending 4242 once the goods have arrived."
        ),
        (
            "The exchange of Desk from order #W2 is recorded; "
            "$50.00 goes back to Visa ending 4242 once the goods have arrived."
        ),
    ),
    (
        "exchange_delivered_order_items",
        {"order_id": "#W2", "item_ids": ["L-RED"], "new_item_ids": ["L-RED"], "payment_method_id": "card_1"},
        "From order #W2, exchange Lamp for the same again; the price stays the same.",
        "The exchange of Lamp from order #W2 is recorded; the price stays the same.",
    ),
    (
        "modify_user_address",
        {"user_id": "ann_1", **ADDRESS},
        "Change your address to 2 Oak Road, Flat 3, LS1 1AA, Leeds, UK.",
        "Your address is now 2 Oak Road, Flat 3, LS1 1AA, Leeds, UK.",
    ),
    (
        "file_complaint",
        {"kind": "late", "text": "It is\nlate", "order_id": "#W1"},
        "File this complaint about order #W1: “It is late”.",
        "Your complaint about order #W1 has the number CMP-1001.",
    ),
    (
        "file_complaint",
        {"kind": "service", "text": "Nobody answers."},
        "File this complaint: “Nobody answers.”",
        "Your complaint has the number CMP-1001.",
    ),
    (
        "request_refund",
        {"order_id": "#W2", "amount": 12.5, "reason": "a scratch"},
        "Ask for a refund for order #W2; $12.50 to Visa ending 4242 once somebody has agreed.",
        (
            "Your refund request for order #W2 has the number RFD-1001; "
            "$12.50 to Visa ending 4242 once somebody has agreed."
        ),
    ),
]


@pytest.mark.parametrize(("name", "arguments", "summary", "done"), SAID)
def test_what_is_said_before_and_after(talk, name, arguments, summary, done):
    action = talk.propose(name, **arguments)
    assert action.summary == summary
    assert talk.decide(action).outcome == done


@pytest.mark.parametrize(
    ("language", "summary", "confirm", "declined"),
    [
        (
            "es",
            "Cancelar el pedido #W1; se devuelven 340,00\xa0$ a Visa terminada en 4242.",
            "Cancelar el pedido",
            "No se ha cambiado nada.",
        ),
        (
            "de-AT",
            "Bestellung #W1 stornieren; 340,00\xa0$ gehen zurück auf Visa (Endziffern 4242).",
            "Bestellung stornieren",
            "Es wurde nichts geändert.",
        ),
        (
            "fr",
            "Annuler la commande #W1; 340,00\xa0$ sont remboursés sur Visa se terminant par 4242.",
            "Annuler la commande",
            "Rien n’a été modifié.",
        ),
        (
            "pt",
            "Cancel order #W1; $340.00 goes back to Visa ending 4242.",
            "Cancel the order",
            "Nothing was changed.",
        ),
    ],
)
def test_it_is_said_in_the_conversations_language(talk, language, summary, confirm, declined):
    other = type(talk)(talk.tenant, language=language)
    action = other.propose()
    assert action.summary == summary
    assert action.detail["confirm"] == confirm
    assert other.decide(action, confirmed=False).outcome == declined


def test_the_card_tells_old_and_new_prices_and_what_comes_next(talk):
    action = talk.propose(
        "modify_pending_order_items",
        order_id="#W1",
        item_ids=["L-RED", "D-OAK"],
        new_item_ids=["L-BLUE", "D-PINE"],
        payment_method_id="gift_1",
    )
    assert action.detail == {
        "title": "Change items of #W1",
        "subtitle": "From order #W1",
        "lines": [
            "Lamp: colour red ($20.00) → kind blue ($25.50)",
            "Desk: wood oak ($300.00) → kind pine ($250.00)",
            "The gift card then has $54.75",
            "The items of an order can be changed only once",
        ],
        "amount": "$44.50",
        "currency": "USD",
        "amount_note": "back to the gift card",
        "confirm": "Change the items",
        "language": "en",
    }


def test_only_the_options_that_change_are_told(talk):
    with tenant_scope(talk.tenant.pk):
        OrderItem.objects.filter(order__code="#W1", variant_code="L-RED").update(options={"kind": "red", "shade": True})
        Variant.objects.filter(code="L-BLUE").update(options={"kind": "blue", "shade": True})
    action = talk.propose(
        "modify_pending_order_items",
        order_id="#W1",
        item_ids=["L-RED"],
        new_item_ids=["L-BLUE"],
        payment_method_id="card_1",
    )
    assert action.summary == "In order #W1, swap Lamp (kind red) for kind blue; you pay $5.50 with Visa ending 4242."


def test_long_names_of_products_are_cut_and_stay_on_one_line(talk):
    with tenant_scope(talk.tenant.pk):
        OrderItem.objects.filter(order__code="#W2", variant_code="D-OAK").update(name="Desk\n{order} " + "x" * 180)
    action = talk.propose(
        "return_delivered_order_items", order_id="#W2", item_ids=["D-OAK"], payment_method_id="card_1"
    )
    assert "\n" not in action.summary
    assert "Desk {order} xxx" in action.summary
    assert len(action.summary) < 240


def test_every_text_exists_in_every_language():
    assert set(CHANGES) == set(phrases.TEXTS) == set(PHRASES)
    for texts in (CHANGES, phrases.TEXTS):
        assert {frozenset(own) for own in texts.values()} == {frozenset(texts["en"])}


def test_every_text_has_the_same_places_in_every_language():
    def places(text):
        from string import Formatter

        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for language, texts in phrases.TEXTS.items():
        for key, text in texts.items():
            assert places(text) == places(phrases.TEXTS["en"][key]), (language, key)
    for language, kinds in CHANGES.items():
        for kind, texts in kinds.items():
            for text, english in zip(texts, CHANGES["en"][kind], strict=True):
                assert places(text) == places(english), (language, kind)


def test_the_card_of_a_complaint_says_what_the_customer_would_like(talk):
    action = talk.propose("file_complaint", kind="defective", text="It gets hot.", wanted="replacement")
    assert action.detail["lines"][:2] == ["It gets hot.", "You would like a replacement"]


def test_addresses_of_web_pages_are_not_shown():
    detail = {"title": "File it", "lines": ["See https://evil.example/x."], "amount": ""}
    shown = Wording("Say: www.evil.example!", detail, "Done //evil.example").without_addresses("en")
    assert (shown.summary, shown.done) == ("Say: (link removed)!", "Done (link removed)")
    assert shown.detail == {"title": "File it", "lines": ["See (link removed)."], "amount": ""}
