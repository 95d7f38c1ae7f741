import contextlib
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.frames import (
    TEXT_LIMIT,
    DecideAction,
    FrameError,
    GiveFeedback,
    Ping,
    Resume,
    RetryMessage,
    SendMessage,
    StopRun,
    clean,
    encode_error,
    encode_numbered,
    parse,
)

pytestmark = pytest.mark.unit
ID = uuid.UUID(int=26)


def frame(**fields):
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"type": "message.send", "client_id": "c1", "conversation": None, "text": " Hi \0there "},
            SendMessage("c1", None, "Hi there"),
        ),
        ({"type": "message.send", "client_id": "c1", "text": "Hi"}, SendMessage("c1", None, "Hi")),
        (
            {"type": "message.send", "client_id": "c", "conversation": str(ID), "text": "x" * TEXT_LIMIT},
            SendMessage("c", ID, "x" * TEXT_LIMIT),
        ),
        ({"type": "run.stop", "message": str(ID)}, StopRun(ID)),
        ({"type": "message.retry", "message": str(ID)}, RetryMessage(ID)),
        ({"type": "conversation.resume", "conversation": str(ID), "after": 3}, Resume(ID, 3)),
        ({"type": "conversation.resume", "conversation": str(ID)}, Resume(ID, 0)),
        ({"type": "action.confirm", "action": str(ID)}, DecideAction(ID, confirmed=True)),
        ({"type": "action.decline", "action": str(ID)}, DecideAction(ID, confirmed=False)),
        (
            {"type": "feedback.give", "message": str(ID), "rating": 4, "thumb": "up", "comment": " fine "},
            GiveFeedback(ID, 4, "up", "fine"),
        ),
        (
            {"type": "feedback.give", "message": str(ID), "rating": None, "thumb": None},
            GiveFeedback(ID, None, "", None),
        ),
        ({"type": "ping", "more": 1}, Ping()),
    ],
)
def test_a_good_frame_is_read(fields, expected):
    assert parse(frame(**fields)) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        ("nonsense", "malformed"),
        ("[1]", "malformed"),
        ("null", "malformed"),
        ('{"type": "message.send", "client_id": "c", "text": "\\ud800"}', "malformed"),
        ('{"a": NaN}', "malformed"),
        ("[" * 60_000, "malformed"),
        (frame(), "unknown_type"),
        (frame(type="drop.tables"), "unknown_type"),
        (frame(type=["ping"]), "unknown_type"),
        (frame(type="message.send", client_id="c"), "malformed"),
        (frame(type="message.send", client_id="c", text=7), "malformed"),
        (frame(type="message.send", client_id="c", text=" \0 "), "empty"),
        (frame(type="message.send", client_id="c", text="x" * (TEXT_LIMIT + 1)), "too_long"),
        (frame(type="message.send", client_id="", text="x"), "malformed"),
        (frame(type="message.send", client_id="c" * 101, text="x"), "malformed"),
        (frame(type="message.send", client_id=5, text="x"), "malformed"),
        (frame(type="message.send", client_id=f"action.{ID}.confirm", text="x"), "malformed"),
        (frame(type="action.confirm", action="a1"), "not_found"),
        (frame(type="action.decline"), "malformed"),
        (frame(type="message.send", client_id="c", conversation="x", text="x"), "not_found"),
        (frame(type="message.send", client_id="c", conversation=3, text="x"), "malformed"),
        (frame(type="run.stop"), "malformed"),
        (frame(type="run.stop", message="1"), "not_found"),
        (frame(type="conversation.resume", conversation=str(ID), after=-1), "malformed"),
        (frame(type="conversation.resume", conversation=str(ID), after=True), "malformed"),
        (frame(type="conversation.resume", conversation=str(ID), after=2**31), "malformed"),
        (frame(type="conversation.resume", conversation=str(ID), after=None), "malformed"),
        (frame(type="feedback.give", message=str(ID), rating=6), "malformed"),
        (frame(type="feedback.give", message=str(ID), rating=True), "malformed"),
        (frame(type="feedback.give", message=str(ID), rating=4.5), "malformed"),
        (frame(type="feedback.give", message=str(ID), thumb="sideways"), "malformed"),
        (frame(type="feedback.give", message=str(ID), thumb=["up"]), "malformed"),
        (frame(type="feedback.give", message=str(ID), comment="x" * 2001), "too_long"),
        (frame(type="feedback.give", message=str(ID), comment=1), "malformed"),
    ],
)
def test_a_bad_frame_says_what_is_wrong(text, code):
    with pytest.raises(FrameError) as caught:
        parse(text)
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")


def test_the_limit_of_a_message_is_stated():
    with pytest.raises(FrameError, match="8,000 characters; this one has 9,000"):
        parse(frame(type="message.send", client_id="c", text="x" * 9000))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_at_all_is_a_frame_or_an_error(value):
    with contextlib.suppress(FrameError):
        assert parse(json.dumps(value))


def test_a_numbered_frame_is_one_line():
    text = encode_numbered("c", 3, "message.delta", message="m", text="a\nb\u2028\0")
    assert "\n" not in text
    assert "\0" not in text
    assert json.loads(text) == {
        "type": "message.delta", "conversation": "c", "seq": 3, "message": "m", "text": "a\nb\u2028\0",
    }  # fmt: skip


def test_an_error_says_what_it_answers():
    assert json.loads(encode_error("not_found", "No.", client_id="c")) == {
        "type": "error", "code": "not_found", "detail": "No.", "client_id": "c",
    }  # fmt: skip


@pytest.mark.parametrize(("raw", "kept"), [("plain", "plain"), ("a\0b", "ab"), ("x\ud83d", "x\ufffd"), ("😀", "😀")])
def test_text_is_cleaned_of_what_cannot_be_kept(raw, kept):
    assert clean(raw) == kept
