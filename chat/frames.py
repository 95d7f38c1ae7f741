"""The frames of askwell.v1: what a client may send, parsed strictly, and how the server's frames are written.

Nothing past this module handles JSON of a socket. Numbered frames are encoded once, when they get their number, and
kept as text: what is sent, logged and sent again on a resume is the same.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

SUBPROTOCOL = "askwell.v1"
VISITOR_SUBPROTOCOL = "askwell.visitor."
TEXT_LIMIT = 8000  # characters of a customer's message
COMMENT_LIMIT = 2000  # characters
CLIENT_ID_LIMIT = 100  # characters
BUTTON_PREFIX = "action."  # of the client_id of a pressed button, which is a message like any other
RATINGS = range(1, 6)
THUMBS = ("up", "down")
LARGEST_SEQ = 2**31 - 1

#: Frames that end a reply.
TERMINAL = ("message.done", "message.failed")


class FrameError(Exception):
    """A client frame that cannot be served: a slug for code, and a sentence for whoever wrote the client or text.

    `fields` are further ones of the `error` frame.
    """

    def __init__(self, code: str, detail: str, **fields: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.fields = code, detail, fields


@dataclass(frozen=True, slots=True)
class SendMessage:
    client_id: str
    conversation: uuid.UUID | None
    text: str


@dataclass(frozen=True, slots=True)
class RetryMessage:
    """Asks again for a reply that failed, was stopped or interrupted."""

    message: uuid.UUID


@dataclass(frozen=True, slots=True)
class StopRun:
    message: uuid.UUID


@dataclass(frozen=True, slots=True)
class DecideAction:
    """The customer confirms or declines a proposed action."""

    action: uuid.UUID
    confirmed: bool


def client_id_of(decision: DecideAction) -> str:
    """The client_id of the message that a pressed button is: the same however often it is pressed."""
    return f"{BUTTON_PREFIX}{decision.action}.{'confirm' if decision.confirmed else 'decline'}"


@dataclass(frozen=True, slots=True)
class Resume:
    """Asks for the frames after number `after`, and those to come."""

    conversation: uuid.UUID
    after: int


@dataclass(frozen=True, slots=True)
class GiveFeedback:
    message: uuid.UUID
    rating: int | None
    thumb: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    pass


ClientFrame = SendMessage | RetryMessage | StopRun | DecideAction | Resume | GiveFeedback | Ping


def parse(text: str) -> ClientFrame:
    """The frame in a text; raises FrameError for anything that is not exactly one."""
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FrameError("malformed", f"Send one JSON object a frame: {error}.") from error
    if not isinstance(fields, dict):
        raise FrameError("malformed", "Send one JSON object a frame.")
    kind = fields.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise FrameError("unknown_type", "The type of a frame is one of " + ", ".join(READERS) + ".")
    return reader(fields)


def _send_message(fields: Mapping[str, Any]) -> SendMessage:
    conversation = fields.get("conversation")
    text = _text(fields, "text").strip()
    if not text:
        raise FrameError("empty", "Write a message first.")
    if len(text) > TEXT_LIMIT:
        raise FrameError("too_long", f"A message holds up to {TEXT_LIMIT:,} characters; this one has {len(text):,}.")
    client_id = _text(fields, "client_id")
    if not 0 < len(client_id) <= CLIENT_ID_LIMIT:
        raise FrameError("malformed", f"client_id must hold 1 to {CLIENT_ID_LIMIT} characters.")
    if client_id.startswith(BUTTON_PREFIX):
        raise FrameError("malformed", f"client_id must not begin with {BUTTON_PREFIX}: those are pressed buttons.")
    return SendMessage(client_id, None if conversation is None else _uuid(fields, "conversation"), text)


def _resume(fields: Mapping[str, Any]) -> Resume:
    after = fields.get("after", 0)
    if type(after) is not int or not 0 <= after <= LARGEST_SEQ:
        raise FrameError("malformed", "after must be the number of the last frame seen, 0 for none.")
    return Resume(_uuid(fields, "conversation"), after)


def _feedback(fields: Mapping[str, Any]) -> GiveFeedback:
    rating, thumb = fields.get("rating"), fields.get("thumb")
    if rating is not None and (type(rating) is not int or rating not in RATINGS):
        raise FrameError("malformed", "rating must be a whole number from 1 to 5, or null.")
    if thumb is not None and thumb not in THUMBS:
        raise FrameError("malformed", "thumb must be up, down or null.")
    comment = None if fields.get("comment") is None else _text(fields, "comment").strip()
    if comment is not None and len(comment) > COMMENT_LIMIT:
        raise FrameError("too_long", f"A comment holds up to {COMMENT_LIMIT:,} characters.")
    return GiveFeedback(_uuid(fields, "message"), rating, thumb or "", comment)


def _decision(fields: Mapping[str, Any]) -> DecideAction:
    return DecideAction(_uuid(fields, "action"), confirmed=fields["type"] == "action.confirm")


READERS: dict[str, Callable[[Mapping[str, Any]], ClientFrame]] = {
    "message.send": _send_message,
    "message.retry": lambda fields: RetryMessage(_uuid(fields, "message")),
    "run.stop": lambda fields: StopRun(_uuid(fields, "message")),
    "action.confirm": _decision,
    "action.decline": _decision,
    "conversation.resume": _resume,
    "feedback.give": _feedback,
    "ping": lambda _: Ping(),
}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise FrameError("malformed", f"{name} must be a text.")
    return value.replace("\0", "")


def _uuid(fields: Mapping[str, Any], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(_text(fields, name))
    except ValueError as error:
        raise FrameError("not_found", f"There is no such {name}.") from error


def encode(frame_type: str, /, **fields: Any) -> str:
    """A frame of the server that has no number."""
    return orjson.dumps({"type": frame_type, **fields}).decode()


def encode_numbered(conversation: str, seq: int, frame_type: str, /, **fields: Any) -> str:
    """A frame of a conversation, number `seq` in it; one line of JSON."""
    return orjson.dumps({"type": frame_type, "conversation": conversation, "seq": seq, **fields}).decode()


def encode_error(code: str, detail: str, **fields: Any) -> str:
    """An `error` frame; `fields` say what it answers, such as the client_id."""
    return encode("error", code=code, detail=detail, **fields)


def clean(text: str) -> str:
    """Text as PostgreSQL and JSON can hold it: without null bytes, halves of surrogate pairs replaced."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
