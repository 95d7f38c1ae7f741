"""Earlier messages of a long conversation come above what is being read, by mouse and by keyboard."""

import pytest
from playwright.sync_api import expect

from tests.journeys.rules import check

pytestmark = pytest.mark.browser
TALK = """async ({ address, count }) => {
  const socket = new WebSocket(address, "askwell.v1");
  let conversation = null, asked = 0;
  return await new Promise((done) => {
    const ask = () => socket.send(JSON.stringify(
      { type: "message.send", client_id: `long-${Math.random()}`, conversation, text: `Thanks ${asked++}` }));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(data);
      conversation ??= frame.conversation ?? null;
      if (frame.type === "session.ready") ask();
      else if (!["message.done", "message.failed", "error"].includes(frame.type)) return;
      else if (asked < count) ask();
      else done(conversation);
    });
  });
}"""
EARLIER = "Show earlier messages"


@pytest.fixture
def long(page, site, open_chat):
    """The address of a conversation of sixty turns."""
    open_chat(page)
    page.set_default_timeout(120_000)
    address = f"{site.address.replace('http', 'ws')}/ws/techpro/chat/"
    conversation = page.evaluate(TALK, {"address": address, "count": 60})
    return f"{site.address}/techpro/c/{conversation}/"


def test_a_long_conversation_keeps_the_rules_of_all_pages(page, long):
    assert check(page, long, "#chat[data-ready]") == []


def test_earlier_messages_come_above_and_nothing_moves(page, long):
    page.goto(long)
    page.locator("#chat[data-ready]").wait_for()
    articles = page.locator("#messages article")
    expect(articles).to_have_count(100)
    first = articles.first.get_attribute("data-message")
    page.evaluate("document.getElementById('scroll').scrollTop = 0")
    top = "id => document.querySelector(`article[data-message='${id}']`).getBoundingClientRect().top"
    before = page.evaluate(top, first)
    page.get_by_role("button", name=EARLIER).focus()
    page.keyboard.press("Enter")
    expect(articles).to_have_count(120)
    assert abs(page.evaluate(top, first) - before) < 60  # the button itself has gone
    expect(page.get_by_role("button", name=EARLIER)).to_have_count(0)
    expect(page.locator("#scroll")).to_be_focused()
    expect(page.locator("#status")).to_have_text("20 earlier messages")
    assert page.locator("#messages .day:has(> time)").count() == 1
