"""Cards and proposed changes on the page: as they were shown, and as they stand now."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agents.events import ActionDone
from agents.models import Action
from chat.cards import SETTLED, ShownAction, done_fields, render_action, render_card
from chat.models import Conversation, Message, Role, State
from chat.wording import WORDS, words_of
from commerce.models import Product
from tenants.access import VISITOR_COOKIE, sign_visitor
from tenants.scope import tenant_scope

HOSTILE = "<img src=x onerror=alert(1)>"
SHOP = SimpleNamespace(slug="acme", language="en")
PRODUCT = {
    "code": "p1", "name": HOSTILE, "detail": "14″", "price": "$9.00", "rating": "4.7", "available": True,
    "art": "phone",
}  # fmt: skip
DATA = {
    "products": {"products": [PRODUCT, {**PRODUCT, "name": "Case", "available": False, "art": '"><script>'}]},
    "comparison": {
        "products": [PRODUCT, {"code": "p2", "name": "Two", "price": "$8.00"}],
        "rows": [
            {"name": "Storage", "values": ["1 TB", "1 TB"], "differs": False, "better": None},
            {"name": "Battery", "values": ["12 h", "10 h"], "differs": True, "better": 0},
            {"name": "Weight", "values": ["1.4 kg", "1.1 kg"], "differs": True, "better": 1},
            {"name": "Colour", "values": [HOSTILE, None], "differs": True, "better": None},
        ],
    },
    "order": {
        "code": "ORD-1002", "status": "in_transit", "status_label": "In transit", "expected": "Tue 24 November",
        "total": "$1,099.98", "items": [{"name": HOSTILE, "detail": "black", "price": "$9.00", "art": "phone"}],
        "steps": [
            {"label": "Ordered", "detail": "17 Nov", "state": "done"},
            {"label": "In transit", "detail": HOSTILE, "state": "now"},
            {"label": "Delivered", "detail": "", "state": "later"},
        ],
    },
    "choices": {"options": [{"label": HOSTILE, "detail": "$9", "text": '"><script>'}, {"label": "2", "text": "Two"}]},
}  # fmt: skip


@pytest.mark.unit
@pytest.mark.parametrize("kind", DATA)
def test_whatever_a_card_holds_is_text(kind):
    html = render_card(kind, DATA[kind], SHOP)
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img" not in html
    assert "<script" not in html


@pytest.mark.unit
def test_products_show_what_one_chooses_by():
    html = render_card("products", DATA["products"], SHOP)
    assert html.count("<li") == 2
    assert "#art-phone" in html
    assert "4.7" in html
    assert "Sold out" in html
    assert html.index("Sold out") > html.index("Case")


@pytest.mark.unit
def test_a_comparison_begins_with_what_differs_and_says_which_is_better():
    html = render_card("comparison", DATA["comparison"], SHOP)
    assert html.index("What differs") < html.index("Battery") < html.index("The same") < html.index("Storage")
    assert html.count('class="best"') == html.count("better</span>") == 2
    assert html.index('class="best">12 h') < html.index('class="best">1.1 kg')
    assert "None" not in html


@pytest.mark.unit
def test_an_order_shows_where_it_is():
    html = render_card("order", DATA["order"], SHOP)
    assert "Order ORD-1002" in html
    assert html.count("is-done") == 1
    assert html.count('aria-current="step"') == 1
    assert "$1,099.98" in html


@pytest.mark.unit
def test_an_order_without_items_or_steps_leaves_them_out():
    html = render_card("order", {"code": "A1", "status": "cancelled", "status_label": "Cancelled"}, SHOP)
    assert "badge-bad" in html
    assert "<li" not in html


@pytest.mark.unit
def test_a_choice_is_a_button_that_says_its_text():
    html = render_card("choices", {"options": [{"label": "First", "detail": "", "text": "The first"}]}, SHOP)
    assert '<button class="chip" type="button" data-ask="The first">' in html


@pytest.mark.unit
def test_a_card_of_an_unknown_kind_shows_nothing(caplog):
    assert render_card("../../etc", {}, SHOP) == ""
    assert "no card of kind" in caplog.text


def waiting(minutes=14, **detail):
    return ShownAction(uuid.uuid4(), "proposed", "Return it", detail, timezone.now() + timedelta(minutes=minutes))


@pytest.mark.unit
def test_a_change_that_waits_says_what_it_costs_and_how_long_it_waits():
    html = render_action(
        waiting(
            title=HOSTILE, subtitle="From ORD-1001", lines=["We e-mail a label"], amount="999", currency="USD",
            amount_note="back to Visa 4242", confirm="Confirm return",
        ),
        SHOP,
    )  # fmt: skip
    assert "<img" not in html
    assert "$999.00<small>back to Visa 4242" in html
    assert "We e-mail a label" in html
    assert 'data-decide="confirm"' in html
    assert ">Confirm return</button>" in html
    assert ">Decline</button>" in html
    assert "Open for 14 minutes" in html


@pytest.mark.unit
@pytest.mark.parametrize(("amount", "shown"), [("0", False), ("", False), ("about 5", True)])
def test_a_change_that_moves_no_money_names_none(amount, shown):
    assert ('class="price"' in render_action(waiting(amount=amount, currency="USD"), SHOP)) is shown


@pytest.mark.unit
def test_without_a_title_the_summary_is_one():
    html = render_action(waiting(minutes=0.6), SHOP)
    assert "Return it</h3>" in html
    assert "Open for 1 minute<" in html
    assert ">Confirm</button>" in html


@pytest.mark.unit
@pytest.mark.parametrize("state", SETTLED)
def test_a_settled_change_has_no_buttons(state):
    html = render_action(ShownAction(uuid.uuid4(), state, HOSTILE, {}), SHOP)
    assert "is-settled" in html
    assert "<button" not in html
    assert "<img" not in html


@pytest.mark.unit
def test_a_change_whose_time_is_over_has_expired():
    html = render_action(waiting(minutes=-1), SHOP)
    assert "This offer has expired." in html
    assert "<button" not in html


@pytest.mark.unit
def test_the_end_of_a_change_speaks_the_tenants_language():
    german = SimpleNamespace(slug="acme", language="de-AT")
    done = ActionDone(str(uuid.uuid4()), ok=True, summary="ORD-1002 ist storniert.", state="done")
    assert "<strong>Erledigt.</strong> ORD-1002 ist storniert." in done_fields(done, german)["html"]


@pytest.mark.unit
def test_a_card_and_its_buttons_speak_the_language_of_its_text():
    german = render_action(waiting(language="de", confirm="Rückgabe bestätigen"), SHOP)
    assert ">Ablehnen</button>" in german
    assert "Noch 14 Minuten offen" in german
    done = ActionDone(str(uuid.uuid4()), ok=True, summary="ORD-1002 ist storniert.", state="done", language="de")
    assert "<strong>Erledigt.</strong>" in done_fields(done, SHOP)["html"]
    assert "Detalles del pedido" in render_card("order", {"code": "ORD-1", "language": "es"}, SHOP)


@pytest.mark.unit
def test_every_language_has_every_word_with_the_same_blanks():
    for language, words in WORDS.items():
        assert words.keys() == WORDS["en"].keys(), language
        for name, text in words.items():
            assert text.count("{") == WORDS["en"][name].count("{"), (language, name)
    assert words_of("xx") is WORDS["en"]


# On pages


def client_of(who: User | uuid.UUID | None) -> Client:
    client = Client()
    if isinstance(who, User):
        client.force_login(who)
    elif who:
        client.cookies[VISITOR_COOKIE] = sign_visitor(who)
    return client


@pytest.fixture
def told(tenant, bob):
    """Bob's conversation: a reply with cards that proposes a change."""
    with tenant_scope(tenant.pk):
        now = timezone.now()
        conversation = Conversation.objects.create(user=bob, updated_at=now, title="Return", last_seq=9)
        question = Message.objects.create(
            conversation=conversation, role=Role.CUSTOMER, text="Send it back", seq=1, created_at=now
        )
        reply = Message.objects.create(
            conversation=conversation, role=Role.ASSISTANT, reply_to=question, state=State.DONE, text="Shall I?", seq=2,
            cards=[{"kind": kind, "data": data} for kind, data in DATA.items()] + [{"kind": "gone", "data": {}}],
            created_at=now + timedelta(microseconds=1),
        )  # fmt: skip
        action = Action.objects.create(
            conversation=conversation.pk, reply=reply.pk, tool="return_delivered_order_items", summary="Return it",
            expires_at=now + timedelta(minutes=15),
        )  # fmt: skip
    return SimpleNamespace(conversation=conversation, reply=reply, action=action)


def change(told, **values):
    with tenant_scope(told.conversation.tenant_id):
        Action.objects.filter(pk=told.action.pk).update(**values)


def test_cards_and_changes_are_there_after_a_reload(told, bob):
    client = client_of(bob)
    for address in (f"/acme/c/{told.conversation.pk}/", f"/acme/messages/{told.reply.pk}/"):
        page = client.get(address).content.decode()
        for mark in ('class="products products-row"', "table compare", 'class="track"', "data-ask=", "data-decide="):
            assert mark in page, mark
        assert "<img" not in page


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"state": "done", "outcome": "The return is registered."}, "The return is registered."),
        ({"state": "failed", "outcome": "It was returned before."}, "It was returned before."),
        ({"state": "declined"}, "You declined."),
        ({"state": "approval"}, "Waiting for approval."),
        ({"state": "refused"}, "A colleague has refused this."),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "This offer has expired."),
    ],
)
def test_a_change_is_shown_as_it_stands_now(told, bob, values, shown):
    change(told, **values)
    page = client_of(bob).get(f"/acme/c/{told.conversation.pk}/").content.decode()
    assert shown in page
    assert "data-decide=" not in page


def press(told, state):
    with tenant_scope(told.conversation.tenant_id):
        pressed = Message.objects.create(
            conversation=told.conversation, role=Role.CUSTOMER, text="Yes", action=told.action.pk, confirmed=True,
            created_at=timezone.now(),
        )  # fmt: skip
        Message.objects.create(
            conversation=told.conversation, role=Role.ASSISTANT, reply_to=pressed, state=state,
            created_at=timezone.now(),
        )  # fmt: skip


@pytest.mark.parametrize(("state", "sending"), [(State.QUEUED, True), (State.FAILED, False)])
def test_a_pressed_button_is_being_sent_until_it_is_answered(told, bob, state, sending):
    press(told, state)
    card = client_of(bob).get(f"/acme/actions/{told.action.pk}/").content.decode()
    assert ("Passing it on" in card) is sending
    assert ("data-decide=" in card) is not sending


def test_a_pressed_button_cannot_be_edited_like_a_message(told, bob):
    press(told, State.DONE)
    page = client_of(bob).get(f"/acme/c/{told.conversation.pk}/").content.decode()
    messages = page[: page.index("question-template")]
    assert messages.count('data-do="edit"') == 1


def test_a_card_is_its_owners_alone(told, alice, bob, charlie, other_tenant):
    assert client_of(bob).get(f"/acme/actions/{told.action.pk}/").status_code == 200
    for who in (alice, charlie, uuid.uuid4(), None):
        assert client_of(who).get(f"/acme/actions/{told.action.pk}/").status_code == 404
    assert client_of(bob).get(f"/globex/actions/{told.action.pk}/").status_code == 404
    assert client_of(bob).get(f"/acme/actions/{uuid.uuid4()}/").status_code == 404


def test_a_reviewer_sees_the_change_without_its_buttons(told, alice):
    page = client_of(alice).get(f"/acme/review/{told.reply.pk}/conversation/").content.decode()
    assert "Return it" in page
    assert "data-decide=" not in page


# From the shop's pages


@pytest.fixture
def product(tenant):
    with tenant_scope(tenant.pk):
        return Product.objects.create(code="x1", name='X1 "Air" </textarea><b>')


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("?about=x1", "Tell me about X1 &quot;Air&quot; &lt;/textarea&gt;&lt;b&gt;"),
        ("?about=unknown", ""),
        ("?about=%00", ""),
        ("?order=ORD-1002", "Where is my order ORD-1002?"),
        ("?order=</textarea><script>", "Where is my order &lt;/textarea&gt;&lt;script&gt;?"),
        ("", ""),
    ],
)
def test_a_link_from_the_shop_begins_the_message(product, query, written):
    page = client_of(None).get(f"/acme/{query}").content.decode()
    assert f">{written}</textarea>" in page


def test_a_product_of_another_tenant_is_not_named(product, other_tenant):
    assert "Air" not in client_of(None).get("/globex/?about=x1").content.decode()


def test_the_prefilled_question_speaks_the_tenants_language(product, tenant):
    tenant.language = "es"
    tenant.save()
    assert "¿Dónde está mi pedido A1?" in client_of(None).get("/acme/?order=A1").content.decode()
