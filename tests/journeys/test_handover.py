"""A customer and a person of the shop, each in a browser of their own."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PATIENCE, watch


@pytest.fixture
def desk(browser, sign_in):
    """A second browser, in which somebody of the shop is signed in at the inbox."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors = watch(page)
    sign_in(page, "agent", "/techpro/inbox/")
    yield page
    context.close()
    assert errors == []


def test_handed_to_a_person_and_back(page, desk, open_chat, ask):
    open_chat(page)
    ask(page, "What is the return policy?")
    page.get_by_role("button", name="Talk to a person").click()
    card = page.locator("#handover")
    expect(card).to_contain_text("A colleague has been told")

    # The list shows it by itself, with what is wanted.
    line = desk.locator("#inbox-list .reply", has_text="What is the return policy?")
    expect(line.first).to_be_visible()
    expect(desk.locator("#inbox-count")).to_be_visible()
    line.first.click()
    desk.get_by_role("button", name="Take over").click()
    answer = desk.get_by_label("Answer to A visitor")
    expect(answer).to_be_focused()

    # The customer sees who it is and what they write, without loading anything.
    expect(card).to_contain_text("is writing with you")
    answer.fill("Hello, I am **reading** your question.")
    answer.press("Enter")
    expect(answer).to_have_value("")
    expect(page.locator(".messages .prose strong", has_text="reading")).to_be_visible()
    expect(desk.locator("#thread .prose strong", has_text="reading")).to_be_visible()

    # The assistant is silent, and the person sees what the customer writes.
    finished = page.locator(".messages article[data-finished]")
    expect(finished).to_have_count(3)  # the answer, that a person has been told, and what that person wrote
    page.get_by_label("Message", exact=True).fill("Can I send it back after 20 days?")
    page.keyboard.press("Enter")
    expect(desk.locator("#thread .bubble", has_text="after 20 days")).to_be_visible()
    expect(finished).to_have_count(3)

    # A note stays inside.
    desk.get_by_label("Note for colleagues").fill("Friendly, in a hurry")
    desk.get_by_role("button", name="Keep the note").click()
    expect(desk.locator("#thread .note")).to_contain_text("Friendly, in a hurry")

    desk.get_by_role("button", name="Give back").click()
    expect(desk.locator(".detail-head")).to_contain_text("Given back")
    expect(card).to_be_hidden()
    expect(page.locator(".messages .event").last).to_contain_text("The assistant answers again.")
    ask(page, "What is the return policy?")

    # Loaded again, the page shows the same, and no note.
    page.reload()
    expect(page.locator(".messages .prose strong", has_text="reading")).to_be_visible()
    expect(page.locator(".messages .event")).to_have_count(2)
    expect(page.locator("body")).not_to_contain_text("Friendly, in a hurry")


def test_an_address_is_left_and_the_conversation_closed(page, desk, open_chat, ask):
    open_chat(page)
    ask(page, "I would like to talk to a person.")
    page.get_by_label("Would you rather have the answer by e-mail?").fill("ann@example.com")
    page.get_by_role("button", name="Leave address").click()
    expect(page.get_by_label("We write to")).to_have_value("ann@example.com")
    line = desk.locator("#inbox-list .reply", has_text="E-mail left").first
    line.click()
    expect(desk.locator(".detail-head")).to_contain_text("ann@example.com")
    desk.get_by_role("button", name="Close").click()
    expect(page.locator(".messages .event").last).to_contain_text("This request was closed.")
    expect(page.locator("#handover")).to_be_hidden()
