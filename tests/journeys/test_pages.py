"""Every page of chat and review keeps the rules of all pages, however narrow and in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.rules import HIDDEN_BELOW, RULES, SIDEWAYS, check

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/", "/accounts/sign-in/", "/techpro/"])
def test_pages_of_everybody(page, site, path):
    assert check(page, site.address + path, "main") == []


def test_the_page_that_is_not_there(context, site):
    page = context.new_page()  # its console tells of the 404, as it should
    assert check(page, f"{site.address}/techpro/c/00000000-0000-4000-8000-000000000000/", "main") == []


def test_a_conversation(page, site, open_chat, ask):
    open_chat(page)
    ask(page, "How long does the battery of the TechPro X1 last?")
    ask(page, "Who was the first king of Norway?")
    ask(page, "I would like to talk to a person")
    assert check(page, page.url, "#chat[data-ready]") == []


@pytest.mark.parametrize("size", [(390, 700), (1440, 700)])
def test_a_long_conversation_scrolls_inside_its_frame(page, open_chat, ask, size):
    """The page itself must not: a jump to a source would push its head out of sight."""
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    open_chat(page)
    for question in ("How long does the battery of the TechPro X1 last?", "What does express delivery cost?"):
        answer = ask(page, question)
    assert page.evaluate(HIDDEN_BELOW) == 0
    answer.locator("a.source").first.click()
    expect(page.locator("#source mark").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollTop") == 0


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_an_open_source(page, open_chat, ask, width):
    page.set_viewport_size({"width": width, "height": 844})
    open_chat(page)
    ask(page, "How long does the battery of the TechPro X1 last?").locator("a.source").first.click()
    expect(page.locator("#source mark").first).to_be_visible()
    result = Axe().run(page, options={"runOnly": RULES})
    assert [v["id"] for v in result.response["violations"]] == []
    assert page.evaluate(SIDEWAYS) == []


def test_the_list_of_conversations_on_a_phone(page, open_chat, ask):
    page.set_viewport_size({"width": 390, "height": 844})
    open_chat(page)
    ask(page, "How long does the battery of the TechPro X1 last?")
    page.get_by_role("link", name="Conversations").click()
    expect(page.get_by_role("link", name="TechPro Electronics")).to_be_focused()
    page.locator(".conv summary").first.click()
    result = Axe().run(page, options={"runOnly": RULES})
    assert [v["id"] for v in result.response["violations"]] == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Conversations")).to_be_focused()


def test_a_document(page, open_chat, ask, site):
    open_chat(page)
    ask(page, "How long does the battery of the TechPro X1 last?").locator("a.source").first.click()
    address = page.get_by_role("link", name="Open document").get_attribute("href")
    assert check(page, site.address + address, "#passage") == []


@pytest.fixture
def reviewing(page, open_chat, ask, sign_in):
    """A reviewer's page, with a reply to review."""
    open_chat(page)
    ask(page, "What does express delivery cost?")
    sign_in(page, "reviewer", "/techpro/review/")
    return page


@pytest.mark.parametrize("path", ["/techpro/review/", "/techpro/review/?state=all&q=nothing-has-this-in-it"])
def test_the_queue(reviewing, site, path):
    assert check(reviewing, site.address + path, "#review") == []


def test_a_reply_and_its_conversation(reviewing, site):
    page = reviewing
    reply = page.locator(".reply").first.get_attribute("href")
    assert check(page, site.address + reply, "#review.has-detail") == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(site.address + reply)
    conversation = page.get_by_role("link", name="Conversation").get_attribute("href")
    assert check(page, site.address + conversation, "main") == []
