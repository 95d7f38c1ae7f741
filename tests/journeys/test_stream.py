"""What the chat page makes of the frames it gets, one by one: the socket is played by the test."""

import json
import re
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from chat.cards import ShownAction, render_action, render_card

pytestmark = pytest.mark.browser

TALK, QUESTION, REPLY, ACTION, PRESSED, NEXT = (str(uuid.uuid4()) for _ in range(6))
SHOP = SimpleNamespace(slug="techpro", language="en")
FINISHED = (
    f"""<article class="msg" data-message="{REPLY}" data-finished><div class="prose"><p>The end.</p></div></article>"""
)


class Line:
    """The server's end of the socket."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.seq = 0
        self.socket = None

    def connect(self, socket) -> None:
        self.socket = socket
        socket.on_message(lambda text: self.sent.append(json.loads(text)))
        socket.send(json.dumps({"type": "session.ready", "who": {"kind": "visitor"}, "visitor": None}))

    def say(self, kind: str, /, **fields) -> None:
        self.seq += 1
        self.socket.send(json.dumps({"type": kind, "conversation": TALK, "seq": self.seq, **fields}))

    def whisper(self, kind: str, /, **fields) -> None:
        self.socket.send(json.dumps({"type": kind, "conversation": TALK, **fields}))

    def last(self, kind: str) -> dict:
        return [frame for frame in self.sent if frame["type"] == kind][-1]


@pytest.fixture
def line(page, open_chat) -> Line:
    """A chat page on a played socket; finished replies and the list come as the test says."""
    played = Line()
    page.route_web_socket(re.compile("/ws/techpro/chat/"), played.connect)
    page.route(re.compile("/techpro/messages/"), lambda route: route.fulfill(body=FINISHED, content_type="text/html"))
    open_chat(page)
    return played


@pytest.fixture
def started(page, line) -> Line:
    """A question was asked and its reply has begun."""
    page.get_by_label("Message", exact=True).fill("Tell me everything")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_have_text("Tell me everything")
    client_id = line.last("message.send")["client_id"]
    line.say("message.accepted", client_id=client_id, message=QUESTION, text="Tell me everything")
    line.say("run.started", message=REPLY, reply_to=QUESTION)
    page.locator("article[aria-busy=true]").wait_for()
    return line


def test_steps_then_words_then_the_answer(page, started):
    reply = page.locator(f'article[data-message="{REPLY}"]')
    expect(reply.locator(".skeleton")).to_have_count(2)
    started.say("run.step", message=REPLY, kind="search", label="Searching 24 documents…")
    expect(reply.locator(".steps")).to_have_text("Searching 24 documents…")
    started.say("message.delta", message=REPLY, text="Some **bold [1")
    expect(reply.locator(".prose")).to_have_text("Some **bold")
    expect(reply.locator(".skeleton")).to_have_count(0)
    expect(reply.locator(".caret")).to_have_count(1)
    started.whisper("message.html", message=REPLY, html="<p>Some <strong>bold</strong></p>")
    expect(reply.locator("strong")).to_have_text("bold")
    started.say("message.delta", message=REPLY, text=" words")
    expect(reply.locator(".prose")).to_have_text("Some bold words")
    expect(reply).to_have_attribute("aria-busy", "true")
    expect(page.locator("#status")).not_to_contain_text("bold")
    started.say("message.done", message=REPLY, text="The end.", html="<p>The end.</p>", finish="stop", citations=[])
    expect(reply).to_have_attribute("data-finished", "")
    expect(reply).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#status")).to_have_text("The end.")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_silence_is_announced_once(page, started):
    expect(page.locator("#status")).to_have_text("")
    expect(page.locator("#status")).to_have_text("Working on it")


def test_a_reset_begins_the_text_again(page, started):
    started.say("message.delta", message=REPLY, text="Wrong words")
    started.say("message.reset", message=REPLY, reason="fallback")
    started.say("message.delta", message=REPLY, text="Right words")
    expect(page.locator("article[aria-busy=true] .prose")).to_have_text("Right words")


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop_takes_the_place_of_send(page, started, how):
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_hidden()
    if how == "button":
        page.get_by_role("button", name="Stop answering").click()
    else:
        page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    assert started.last("run.stop")["message"] == REPLY
    started.say("message.done", message=REPLY, text="", html="", finish="stopped", citations=[])
    expect(page.locator("#status")).to_have_text("Stopped")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_a_failure_is_announced(page, started):
    started.say("message.failed", message=REPLY, text="", detail="Broken.", retryable=True, reference="7F3K21")
    expect(page.locator("#status")).to_have_text("Failed, try again")


def test_a_missing_frame_is_asked_for(page, started):
    started.say("message.delta", message=REPLY, text="One ")
    started.seq += 1  # lost on the way
    started.say("message.delta", message=REPLY, text="three")
    page.wait_for_timeout(100)
    assert started.last("conversation.resume") == {"type": "conversation.resume", "conversation": TALK, "after": 3}
    started.seq = 3
    started.say("message.delta", message=REPLY, text="two ")
    started.say("message.delta", message=REPLY, text="three")
    started.seq = 4
    started.say("message.delta", message=REPLY, text="three")  # and once more, which must not count
    expect(page.locator("article[aria-busy=true] .prose")).to_have_text("One two three")


def test_a_cut_line_resumes_where_it_was(page, started):
    started.say("message.delta", message=REPLY, text="One ")
    expect(page.locator("article[aria-busy=true] .prose")).to_have_text("One")
    started.sent.clear()
    started.socket.close()
    page.wait_for_timeout(1500)
    assert started.sent == [{"type": "conversation.resume", "conversation": TALK, "after": 3}]
    started.say("message.delta", message=REPLY, text="two")
    expect(page.locator("article[aria-busy=true] .prose")).to_have_text("One two")


def test_an_end_that_could_not_be_fetched_is_fetched_later(page, started):
    page.route(re.compile("/techpro/messages/"), lambda route: route.fulfill(status=204))
    started.say("message.done", message=REPLY, text="The end.", html="<p>The end.</p>", finish="stop", citations=[])
    expect(page.locator("article .prose")).to_have_text("The end.")
    expect(page.locator("article[data-finished]")).to_have_count(0)
    page.unroute_all()
    page.route(re.compile("/techpro/messages/"), lambda route: route.fulfill(body=FINISHED, content_type="text/html"))
    started.socket.close()
    page.locator("article[data-finished]").wait_for()


def test_a_refused_message_comes_back_to_its_author(page, line):
    page.get_by_label("Message", exact=True).fill("Too many of these")
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    client_id = line.last("message.send")["client_id"]
    line.whisper("error", code="rate_limited", detail="That is a lot of messages. Please wait.", client_id=client_id)
    expect(page.get_by_role("alert")).to_contain_text("Please wait")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Too many of these")
    expect(page.locator(".bubble")).to_have_count(0)


def test_a_message_waits_until_the_database_is_back(page, line):
    page.get_by_label("Message", exact=True).fill("Are you there?")
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    sent = line.last("message.send")
    line.sent.clear()
    line.whisper("error", code="unavailable", detail="It is sent again in a moment.", client_id=sent["client_id"])
    expect(page.get_by_role("alert")).to_contain_text("sent again")
    page.wait_for_timeout(3300)
    assert line.last("message.send") == sent
    line.say("message.accepted", client_id=sent["client_id"], message=QUESTION, text="Are you there?")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_newest_line_is_followed_only_by_those_who_are_there(page, started):
    started.whisper("message.html", message=REPLY, html="<p>line</p>" * 80)
    at_end = (
        "() => { const s = document.getElementById('scroll'); return s.scrollHeight - s.scrollTop - s.clientHeight }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate(at_end) < 5
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(200)
    started.whisper("message.html", message=REPLY, html="<p>line</p>" * 90)
    page.get_by_role("button", name="New answer").click()
    expect(page.get_by_role("button", name="New answer")).to_be_hidden()
    assert page.evaluate(at_end) < 5


def test_what_the_server_sends_as_text_stays_text(page, started):
    started.say("run.step", message=REPLY, kind="search", label="<b>label</b>")
    started.say("message.delta", message=REPLY, text="<img src=x onerror=alert(1)>")
    reply = page.locator("article[aria-busy=true]")
    expect(reply.locator(".prose")).to_have_text("<img src=x onerror=alert(1)>")
    expect(reply.locator("b, img")).to_have_count(0)


# Cards and changes


def drawn(state="proposed", summary="The return is registered.", minutes=15, **detail):
    """A change as the server draws it."""
    detail = {"title": "Return UltraBook 13", "confirm": "Confirm return", **detail}
    until = timezone.now() + timedelta(minutes=minutes)
    return render_action(ShownAction(uuid.UUID(ACTION), state, summary, detail, until), SHOP)


@pytest.fixture
def proposed(page, started) -> Line:
    """A reply that proposes a change is under way."""
    html = drawn()
    started.say("action.proposed", message=REPLY, action=ACTION, summary="Return it", state="proposed", html=html)
    page.get_by_role("button", name="Confirm return").wait_for()
    page.route(re.compile("/techpro/actions/"), lambda route: route.fulfill(body=html, content_type="text/html"))
    finished = FINISHED.replace("</article>", f"{html}</article>")
    page.route(re.compile(f"/messages/{REPLY}"), lambda route: route.fulfill(body=finished, content_type="text/html"))
    return started


def finish(line, message=REPLY, text="Shall I?"):
    line.say("message.done", message=message, text=text, html=f"<p>{text}</p>", finish="stop", citations=[])


def accept(line, kind="confirm", text="Yes, go ahead."):
    pressed = {"action": ACTION, "confirmed": kind == "confirm"}
    line.say("message.accepted", client_id=f"action.{ACTION}.{kind}", message=PRESSED, text=text, **pressed)
    line.say("run.started", message=NEXT, reply_to=PRESSED)


def decisions(line):
    return [frame for frame in line.sent if frame["type"].startswith("action.")]


def test_cards_come_with_the_reply_and_survive_a_fresh_start_of_its_text(page, started):
    product = {"code": "x1", "name": "<img src=x onerror=alert(1)>", "price": "$9.00", "available": True, "art": ""}
    html = render_card("products", {"products": [product]}, SHOP)
    started.say("message.card", message=REPLY, kind="products", data={}, html=html)
    started.say("message.reset", message=REPLY, reason="fallback")
    reply = page.locator(f'article[data-message="{REPLY}"]')
    expect(reply.get_by_role("list", name="Products")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(reply.locator("img")).to_have_count(0)


def test_a_choice_is_sent_as_a_message(page, started):
    html = render_card("choices", {"options": [{"label": "The laptop", "text": "The laptop of ORD-1001"}]}, SHOP)
    started.say("message.card", message=REPLY, kind="choices", data={}, html=html)
    finish(started)
    page.route(re.compile("/techpro/messages/"), lambda route: route.fulfill(status=204))
    page.get_by_role("group", name="Choose one").get_by_role("button").click()
    expect(page.locator(".bubble").last).to_have_text("The laptop of ORD-1001")
    page.wait_for_timeout(100)
    assert started.last("message.send")["text"] == "The laptop of ORD-1001"


def test_a_change_is_confirmed_by_keyboard_and_sent_once(page, proposed):
    finish(proposed)
    expect(page.locator("#status")).to_contain_text("Return UltraBook 13")
    page.get_by_role("button", name="Confirm return").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    card = page.locator(f'[data-action="{ACTION}"]')
    expect(card).to_contain_text("Passing it on")
    expect(card).to_be_focused()
    expect(page.locator("#status")).to_contain_text("Passing it on")
    assert decisions(proposed) == [{"type": "action.confirm", "action": ACTION}]
    accept(proposed)
    expect(page.locator(".bubble").last).to_have_text("Yes, go ahead.")
    expect(page.get_by_role("button", name="Edit and send again")).to_have_count(1)
    html = drawn("done")
    proposed.say("action.done", message=NEXT, action=ACTION, ok=True, summary="Done", state="done", html=html)
    expect(card).to_contain_text("The return is registered.")
    expect(card).to_be_focused()
    expect(page.locator("#status")).to_contain_text("The return is registered.")
    expect(page.get_by_role("button", name="Decline")).to_have_count(0)


def test_a_double_click_declines_once(page, proposed):
    finish(proposed)
    page.get_by_role("button", name="Decline").dblclick()
    page.wait_for_timeout(100)
    assert decisions(proposed) == [{"type": "action.decline", "action": ACTION}]


def test_a_change_confirmed_in_another_window_is_shown_as_such(page, proposed):
    finish(proposed)
    accept(proposed)
    expect(page.locator(f'[data-action="{ACTION}"]')).to_contain_text("Passing it on")
    expect(page.get_by_role("button", name="Confirm return")).to_have_count(0)


def test_a_pressed_button_is_sent_again_when_the_line_is_back(page, proposed):
    finish(proposed)
    proposed.sent.clear()
    page.route_web_socket(re.compile("/ws/techpro/chat/"), lambda socket: socket.close())
    proposed.socket.close()
    page.get_by_role("button", name="Confirm return").click()
    expect(page.locator("#status")).to_contain_text("sent once we are back")
    expect(page.locator(f'[data-action="{ACTION}"]')).to_contain_text("Passing it on")
    assert decisions(proposed) == []
    page.route_web_socket(re.compile("/ws/techpro/chat/"), proposed.connect)
    page.wait_for_timeout(4000)
    assert decisions(proposed) == [{"type": "action.confirm", "action": ACTION}]
    accept(proposed)
    proposed.sent.clear()
    proposed.socket.close()
    page.wait_for_timeout(1500)
    assert decisions(proposed) == []


@pytest.mark.parametrize("end", ["refused", "failed"])
def test_a_button_that_came_to_nothing_can_be_pressed_again(page, proposed, end):
    finish(proposed)
    page.get_by_role("button", name="Confirm return").click()
    expect(page.get_by_role("button", name="Confirm return")).to_have_count(0)
    if end == "refused":
        proposed.whisper("error", code="internal", detail="Something went wrong.", action=ACTION)
    else:
        accept(proposed)
        proposed.say("message.failed", message=NEXT, text="", detail="Broken.", retryable=True, reference="7F3K21")
    page.get_by_role("button", name="Confirm return").click()
    page.wait_for_timeout(100)
    assert len(decisions(proposed)) == 2


def test_the_time_that_is_left_runs_out_on_the_page(page, started):
    page.clock.install()
    html = drawn(minutes=1.2)
    started.say("action.proposed", message=REPLY, action=ACTION, summary="Return it", state="proposed", html=html)
    gone = drawn("expired")
    page.route(re.compile("/techpro/actions/"), lambda route: route.fulfill(body=gone, content_type="text/html"))
    card = page.locator(f'[data-action="{ACTION}"]')
    expect(card).to_contain_text("Open for 1 minute")
    page.clock.fast_forward(100_000)
    expect(card).to_contain_text("This offer has expired.")


def test_a_change_proposed_again_is_shown_where_it_was_last_proposed(page, proposed):
    finish(proposed)
    proposed.say("message.accepted", client_id="again", message=PRESSED, text="And the return?")
    proposed.say("run.started", message=NEXT, reply_to=PRESSED)
    html = drawn()
    proposed.say("action.proposed", message=NEXT, action=ACTION, summary="Return it", state="proposed", html=html)
    expect(page.locator(f'article[data-message="{NEXT}"] [data-action="{ACTION}"]')).to_have_count(1)
    expect(page.locator(f'[data-action="{ACTION}"]')).to_have_count(1)


@pytest.mark.parametrize("news", ["accepted", "done", "proposed again"])
def test_a_reply_that_is_drawn_late_brings_no_old_card_back(page, proposed, news):
    held = []
    page.route(re.compile(f"/messages/{REPLY}"), lambda route: held.append(route))  # noqa: PLW0108 (needs a function of its own)
    finish(proposed)
    while not held:
        page.wait_for_timeout(20)
    told = "Passing it on"
    if news == "proposed again":
        proposed.say("message.accepted", client_id="again", message=PRESSED, text="And the return?")
        proposed.say("run.started", message=NEXT, reply_to=PRESSED)
        proposed.say("action.proposed", message=NEXT, action=ACTION, summary="", state="proposed", html=drawn())
        told = "Confirm return"
    else:
        accept(proposed)
    if news == "done":
        proposed.say("action.done", message=NEXT, action=ACTION, ok=True, summary="", html=drawn("done"))
        told = "The return is registered."
    card = page.locator(f'[data-action="{ACTION}"]')
    expect(card).to_contain_text(told)
    held[0].fulfill(body=FINISHED.replace("</article>", f"{drawn()}</article>"), content_type="text/html")
    expect(page.locator(f'article[data-message="{REPLY}"]')).to_contain_text("The end.")
    expect(card).to_have_count(1)
    expect(card).to_contain_text(told)


def test_a_link_from_the_shop_begins_the_message(page, open_chat):
    open_chat(page, "?order=ORD-1002")
    box = page.get_by_label("Message", exact=True)
    expect(box).to_have_value("Where is my order ORD-1002?")
    expect(box).to_be_focused()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
