"""A customer: asks, watches the answer come, looks up where it is from, rates it, and tidies up."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

BATTERY = "How long does the battery of the TechPro X1 last?"


def test_asks_and_gets_an_answer_with_its_source(page, open_chat, ask):
    open_chat(page)
    answer = ask(page, BATTERY)
    expect(answer).to_contain_text("12 hours")
    expect(page).to_have_url(re.compile(r"/techpro/c/[0-9a-f-]{36}/$"))
    expect(page).to_have_title(f"{BATTERY} · TechPro Electronics")
    expect(page.get_by_role("navigation", name="Conversations").get_by_role("link", name=BATTERY)).to_be_visible()
    expect(page.locator("#status")).to_contain_text("12 hours")

    answer.locator(".prose a.cite").first.click()
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.get_by_role("heading", name=re.compile("^Source 1 of"))).to_be_focused()
    expect(panel.locator("mark").first).to_contain_text("12 hours")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(answer.locator(".prose a.cite").first).to_be_focused()


def test_opens_the_whole_document_at_the_passage(page, open_chat, ask):
    open_chat(page)
    ask(page, BATTERY).locator("a.source").first.click()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open document").click()
    document = popup.value
    expect(document.locator("#passage")).to_be_in_viewport()
    expect(document.locator("#passage")).to_contain_text("12 hours")


def test_a_suggested_question_is_asked_with_one_click(page, open_chat):
    open_chat(page)
    page.locator(".starter").first.click()
    page.locator("article[data-finished]").wait_for()
    expect(page.locator(".starter")).to_have_count(0)


def test_the_conversation_is_there_after_a_reload(page, open_chat, ask):
    open_chat(page)
    answer = ask(page, BATTERY).locator(".prose").inner_text()
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.locator(".bubble")).to_have_text(BATTERY)
    expect(page.locator("article[data-finished]")).to_have_count(1)
    assert page.locator("article[data-finished] .prose").inner_text() == answer


def test_another_tab_follows_the_conversation(page, context, open_chat, ask):
    open_chat(page)
    ask(page, BATTERY)
    other = context.new_page()
    other.goto(page.url)
    other.locator("#chat[data-ready]").wait_for()
    ask(page, "What does express delivery cost?")
    expect(other.locator(".bubble")).to_have_text([BATTERY, "What does express delivery cost?"])
    expect(other.locator("article[data-finished]")).to_have_count(2)


def test_rates_an_answer_and_says_why(page, open_chat, ask):
    open_chat(page)
    answer = ask(page, BATTERY)
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_text("2 stars").locator("..").click()
    answer.get_by_label(re.compile("What was missing")).fill("Which conditions?")
    answer.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("your comment is saved")
    page.reload()
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("radio", name="2 stars")).to_be_checked()


def test_renames_searches_and_deletes_a_conversation(page, open_chat, ask):
    open_chat(page)
    ask(page, BATTERY)
    rail = page.get_by_role("navigation", name="Conversations")
    rail.get_by_label(f"Options for {BATTERY}").click()
    rail.get_by_role("button", name="Rename").click()
    expect(rail.get_by_label("New name")).to_be_focused()
    rail.get_by_label("New name").fill("Laptop for travel")
    page.keyboard.press("Enter")
    expect(rail.get_by_role("link", name="Laptop for travel")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Laptop for travel")

    rail.get_by_label("Search conversations").fill("battery travel")
    expect(rail.locator(".conv")).to_have_count(1)
    rail.get_by_label("Search conversations").fill("wallpaper")
    expect(rail).to_contain_text("Nothing found")
    rail.get_by_label("Search conversations").fill("")
    expect(rail.locator(".conv")).to_have_count(1)

    rail.get_by_label("Options for Laptop for travel").click()
    rail.locator(".confirm > summary").click()
    rail.get_by_role("button", name="Yes, delete").click()
    page.wait_for_url("**/techpro/")
    expect(page.get_by_text("No conversations yet")).to_be_visible()


def test_asks_for_a_person(page, open_chat, ask):
    open_chat(page)
    answer = ask(page, "Who was the first king of Norway?")
    answer.get_by_role("button", name="Ask a person").click()
    expect(page.get_by_role("region", name="Who answers")).to_be_visible()
    page.reload()
    expect(page.get_by_role("region", name="Who answers")).to_be_visible()


def test_nothing_written_is_lost_while_the_line_is_down(page, open_chat, ask):
    """The socket is cut, and for a while none can be opened: the page says so, keeps the question, sends it later."""
    sockets, down = [], [False]

    def route(ws):
        if down[0]:
            ws.close()
            return
        sockets.append(ws)
        ws.connect_to_server()

    page.route_web_socket(re.compile("/ws/techpro/chat/"), route)
    open_chat(page)
    ask(page, BATTERY)
    down[0] = True
    sockets[-1].close()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    page.get_by_label("Message", exact=True).fill("What does express delivery cost?")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble").last).to_have_text("What does express delivery cost?")
    page.reload()
    expect(page.locator(".bubble")).to_have_text([BATTERY, "What does express delivery cost?"])
    down[0] = False
    expect(page.locator("article[data-finished]")).to_have_count(2)
    expect(page.get_by_text("Connection lost")).to_be_hidden()
    page.reload()
    expect(page.locator(".bubble")).to_have_text([BATTERY, "What does express delivery cost?"])


def test_what_was_said_wrongly_can_be_said_again(page, open_chat, ask):
    open_chat(page)
    ask(page, "How long does the batery last of the X1?")
    page.get_by_role("button", name="Edit and send again").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("How long does the batery last of the X1?")
    ask(page, BATTERY)
    page.get_by_role("button", name="Try again").last.click()
    expect(page.locator("article[data-finished]")).to_have_count(3)
    expect(page.locator(".bubble")).to_have_count(2)


def test_an_answer_can_be_copied_without_its_numbers(page, context, open_chat, ask):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_chat(page)
    answer = ask(page, BATTERY)
    answer.get_by_role("button", name="Copy answer").click()
    expect(page.locator("#status")).to_have_text("Copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert "12 hours of mixed use." in copied
    assert not re.search(r"use\.\s*1", copied)


def test_light_or_dark_is_remembered_from_the_first_paint(page, open_chat):
    open_chat(page)
    page.get_by_role("button", name="Light or dark").click()
    chosen = page.locator("html").get_attribute("data-theme")
    assert chosen == "dark"
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_keyboard_alone_reaches_everything(page, open_chat, ask):
    open_chat(page)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    ask(page, BATTERY)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    seen = set()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        seen.add(page.evaluate("() => document.activeElement.ariaLabel || document.activeElement.textContent.trim()"))
    wanted = {
        "Copy answer", "Try again", "Helpful", "Not helpful", "Copy question", "Edit and send again",
        "Talk to a person", "New conversation", "Light or dark", "Skip to the message box", f"Options for {BATTERY}",
        "Source 1: X1 user manual",
    }  # fmt: skip
    assert wanted - seen == set()


def test_visitors_do_not_see_each_others_conversations(page, browser, site, open_chat, ask):
    open_chat(page)
    ask(page, BATTERY)
    stranger = browser.new_context().new_page()
    assert stranger.goto(page.url).status == 404
    stranger.goto(f"{site.address}/techpro/")
    expect(stranger.get_by_text("No conversations yet")).to_be_visible()
    stranger.context.close()


def test_a_page_without_javascript_says_what_it_needs(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site.address}/techpro/")
    expect(page.get_by_text("The chat needs JavaScript")).to_be_visible()
    page.context.close()
