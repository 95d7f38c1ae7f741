"""A customer's agent acts, with no model: it tracks, proposes, and changes things only once they are confirmed."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.rules import check

pytestmark = pytest.mark.browser


@pytest.fixture
def chat_as(page, sign_in, open_chat):
    """`chat_as(who)`: the chat of a signed-in customer, with nothing in it."""

    def opened(who: str) -> Page:
        sign_in(page, who)
        open_chat(page)
        return page

    return opened


@pytest.fixture
def choose():
    """`choose(answer, name)`: presses a choice below an answer; returns the next answer."""

    def chosen(answer: Locator, name: str | re.Pattern[str]) -> Locator:
        page, finished = answer.page, answer.page.locator(".messages article[data-finished]")
        before = finished.count()
        answer.locator(".chip").filter(has_text=name).click()
        finished.nth(before).wait_for()
        return page.locator(".messages article[data-finished]").nth(before)

    return chosen


@pytest.fixture
def propose_cancelling(ask, choose):
    """`propose_cancelling(page, code)`: the card of a change that waits for a word."""

    def proposed(page: Page, code: str) -> Locator:
        answer = choose(ask(page, f"Please cancel {code}"), "No longer needed")
        card = answer.locator("[data-action]")
        expect(card).to_contain_text(f"Cancel order {code}")
        return card

    return proposed


def test_tracks_an_order(chat_as, ask):
    page = chat_as("sofia")
    answer = ask(page, "Where is ORD-1002?")
    expect(answer.locator(".prose")).to_contain_text("Your order ORD-1002 is in transit.")
    expect(page.locator("#status")).to_contain_text("in transit")
    card = answer.get_by_role("region", name="Order ORD-1002")
    expect(card).to_contain_text("$1,099.98")
    expect(card.locator("[aria-current=step]")).to_contain_text("Memphis, TN")
    page.reload()
    card.get_by_role("link", name="Order details").click()
    page.wait_for_url("**/orders/ORD-1002/")


def test_returns_an_item_once_it_is_confirmed(chat_as, ask, choose, site):
    page = chat_as("sofia")
    asked = ask(page, "I want to return the UltraBook from ORD-1001")
    answer = choose(asked, "Visa ending 4242")
    card = answer.locator("[data-action]")
    expect(card).to_contain_text("$999.00")
    expect(card).to_contain_text("back to Visa ending 4242")
    card.get_by_role("button", name="Confirm return").click()
    expect(card).to_contain_text("Done. The return of UltraBook 13 from order ORD-1001 is recorded")
    expect(card.get_by_role("button")).to_have_count(0)
    expect(page.locator(".bubble").last).to_have_text("Yes, go ahead.")
    page.goto(f"{site.address}/techpro/orders/ORD-1001/")
    expect(page.get_by_role("region", name="Order ORD-1001")).to_contain_text("Return requested")


def test_declines_and_nothing_changes(chat_as, propose_cancelling, site):
    page = chat_as("sofia")
    card = propose_cancelling(page, "ORD-1021")
    card.get_by_role("button", name="Decline").click()
    expect(card).to_contain_text(re.compile(r"You declined\.\s*Nothing was changed\."))
    page.goto(f"{site.address}/techpro/orders/ORD-1021/")
    expect(page.get_by_role("region", name="Order ORD-1021")).to_contain_text("Ordered")


def test_pressed_twice_it_happens_once(chat_as, propose_cancelling, site):
    page = chat_as("daniel")
    card = propose_cancelling(page, "ORD-1016")
    card.get_by_role("button", name="Cancel the order").dblclick()
    expect(card).to_contain_text("Order ORD-1016 is cancelled")
    expect(page.locator(".bubble", has_text="Yes, go ahead.")).to_have_count(1)
    page.goto(f"{site.address}/techpro/orders/ORD-1016/")
    order = page.get_by_role("region", name="Order ORD-1016")
    expect(order).to_contain_text("Cancelled")
    expect(order.get_by_text("Given back to")).to_have_count(1)


def test_a_reload_in_the_middle_keeps_the_card_as_it_stands(chat_as, ask, choose):
    page = chat_as("lena")
    answer = choose(ask(page, "I would like to return something from ORD-0995"), "Qi Charging Pad")
    while answer.locator("[data-action]").count() == 0:
        answer = choose(answer, "PayPal")
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    card = page.locator("[data-action]")
    expect(card).to_contain_text("$39.00")
    card.get_by_role("button", name="Confirm return").click()
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(card).to_contain_text("The return of Qi Charging Pad from order ORD-0995 is recorded")
    expect(card.get_by_role("button")).to_have_count(0)


def test_a_second_window_sees_it_settle(chat_as, context, propose_cancelling):
    page = chat_as("lena")
    card = propose_cancelling(page, "ORD-1020")
    other = context.new_page()
    other.goto(page.url)
    other.locator("#chat[data-ready]").wait_for()
    expect(other.get_by_role("button", name="Cancel the order")).to_be_visible()
    card.get_by_role("button", name="Cancel the order").click()
    expect(other.locator("[data-action]")).to_contain_text("Order ORD-1020 is cancelled")
    expect(other.get_by_role("button", name="Cancel the order")).to_have_count(0)
    expect(other.locator(".bubble").last).to_have_text("Yes, go ahead.")


def test_the_keyboard_is_enough(chat_as, propose_cancelling):
    page = chat_as("sofia")
    card = propose_cancelling(page, "ORD-1014")
    expect(page.locator("#status")).to_contain_text("Cancel order ORD-1014")
    page.get_by_label("Message", exact=True).focus()
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.dataset.decide") == "confirm":
            break
    expect(card.get_by_role("button", name="Cancel the order")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Order ORD-1014 is cancelled")
    expect(page.locator("#status")).to_contain_text("Order ORD-1014 is cancelled")


def test_complains_in_the_conversation(chat_as, ask, choose, site):
    page = chat_as("daniel")
    asked = ask(page, "I want to complain: the Travel Hub from ORD-1012 does not work")
    card = choose(asked, "Send a replacement").locator("[data-action]")
    expect(card).to_contain_text("does not work")
    expect(card).to_contain_text("You would like a replacement")
    card.get_by_role("button", name="File the complaint").click()
    expect(card).to_contain_text(re.compile(r"Your complaint about order ORD-1012 has the number CMP-\d+"))
    page.goto(f"{site.address}/techpro/orders/ORD-1012/")
    expect(page.get_by_role("region", name="What you asked for")).to_contain_text("Complaint CMP-")


def test_a_visitor_says_who_they_are_and_is_answered(page, open_chat, ask):
    page.set_viewport_size({"width": 390, "height": 844})
    open_chat(page)
    answer = ask(page, "Where is ORD-1008?")
    expect(answer).to_contain_text("the e-mail address of your account")
    expect(answer).not_to_contain_text("Watch Lite")
    answer = ask(page, "ruth.adler@mail.example")
    expect(answer.locator(".prose")).to_contain_text("Your order ORD-1008 is packed")
    expect(answer.get_by_role("region", name="Order ORD-1008")).to_contain_text("Watch Lite")
    answer = ask(page, "And where is ORD-1002?")
    expect(answer).to_contain_text("I found no order ORD-1002 among yours.")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize(
    ("question", "said", "label"),
    [
        ("¿Dónde está mi pedido ORD-0997? Mi correo es pablo.ortega@correo.example", "cambio", "Detalles del pedido"),
        ("Wo ist Bestellung ORD-1019? Meine E-Mail: ines.moreau@courriel.example", "Bestellung", "Einzelheiten"),
    ],
)
def test_answers_and_draws_cards_in_the_customers_language(page, open_chat, ask, question, said, label):
    open_chat(page)
    answer = ask(page, question)
    expect(answer.locator(".prose")).to_contain_text(said)
    expect(answer.get_by_role("link", name=label)).to_be_visible()


def test_a_german_change_has_german_buttons(chat_as, ask, choose):
    page = chat_as("sofia")
    answer = choose(ask(page, "Bitte stornieren Sie meine Bestellung ORD-1021"), re.compile("Nicht mehr"))
    card = answer.locator("[data-action]")
    expect(card.get_by_role("button", name="Ablehnen")).to_be_visible()
    expect(card).to_contain_text("Noch 15 Minuten offen")


def test_a_conversation_with_cards_and_changes(chat_as, ask, propose_cancelling):
    page = chat_as("sofia")
    ask(page, "Where is ORD-1002?")
    ask(page, "Compare the UltraBook 13 with the TechPro X1 Laptop")
    ask(page, "What goes with the Tab Studio 11?")
    propose_cancelling(page, "ORD-1021")
    expect(page.get_by_role("button", name="Cancel the order")).to_be_visible()
    assert check(page, page.url, "#chat[data-ready]") == []
