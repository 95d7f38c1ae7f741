"""E-mail: messages as sent (RFC 5322) and as Outlook saves them ([MS-OXMSG])."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header
from email.message import Message

from knowledge.readers.base import ReadDocument, ReadError, build
from knowledge.readers.charset import decode
from knowledge.readers.compound import Compound
from knowledge.readers.markup import blocks, literal, one_line
from knowledge.readers.web import fragment_markdown

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=(?:\s+(?==\?))?")
_MAX_PARTS = 1000

# Property ids of [MS-OXPROPS]; a stream's name ends in the id and the type: 001F UTF-16, 001E 8-bit, 0102 bytes.
_MSG_SUBJECT, _MSG_SENDER, _MSG_SENDER_ADDRESS = "0037", "0C1A", "0C1F"
_MSG_TO, _MSG_CC, _MSG_BODY, _MSG_HTML, _MSG_HEADERS = "0E04", "0E03", "1000", "1013", "007D"


def read_eml(data: bytes, filename: str) -> ReadDocument:
    """Read a message: who wrote to whom, when, on what, and the body; attachments are named, not read."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:200]:
        data = decode(data).encode("utf-8", "replace")
    message = message_from_bytes(data.lstrip(b"\r\n\t \xef\xbb\xbf"))
    headers = {name: _header(message, name) for name in _SHOWN}
    names = [name for part in _parts(message) if (name := one_line(_decoded(str(part.get_filename() or ""))))]
    attached = f"Attachments: {', '.join(names)}" if names else ""
    return _mail(headers, blocks([_body(message), attached]), filename)


def _mail(headers: dict[str, str], body: str, filename: str) -> ReadDocument:
    lines = "\n".join(f"{name}: {headers[name]}" for name in _SHOWN if headers.get(name))
    return build(
        filename=filename,
        markdown=blocks([lines, body]),
        titles=[headers.get("Subject")],
        metadata={"author": headers.get("From", ""), "date": headers.get("Date", "")},
    )


def _header(message: Message, name: str) -> str:
    return one_line(_decoded(str(message.get(name, "")).encode("utf-8", "surrogateescape").decode("utf-8", "replace")))


def _decoded(text: str) -> str:
    """Decode the encoded words (RFC 2047) of a header; damaged ones stay as they are."""

    def word(found: re.Match[str]) -> str:
        try:
            value, charset = decode_header(found[0].strip())[0]
        except (ValueError, LookupError):
            return found[0]
        return decode(value, charset or "") if isinstance(value, bytes) else value

    return _ENCODED_WORD.sub(word, text)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _MAX_PARTS:
            return
        if not part.is_multipart():
            yield part


def _body(message: Message) -> str:
    """Return the text of a message: of each alternative the plain one, unless it only points to the other."""
    if message.get_content_type() == "multipart/alternative" and isinstance(message.get_payload(), list):
        bodies = [_body(part) for part in message.get_payload() if isinstance(part, Message)]
        plain = next((body for body in bodies if body.strip()), "")
        richest = max(bodies, key=len, default="")
        return richest if len(richest) > 3 * len(plain) else plain
    if message.is_multipart():
        return blocks(_body(part) for part in message.get_payload() if isinstance(part, Message))
    kind = message.get_content_type()
    if message.get_filename() or not kind.startswith("text/") or kind == "text/calendar":
        return ""
    text = _content(message)
    return fragment_markdown(text) if kind == "text/html" else literal(_unfolded(text))


def _content(message: Message) -> str:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(message.get_payload())
    charset = message.get_param("charset", "")
    return decode(payload, charset if isinstance(charset, str) else "")


def _unfolded(text: str) -> str:
    """Leave out what a mail program adds: the signature's mark stays, quoting marks of replies go."""
    return re.sub(r"^(?:> ?)+", "", text, flags=re.MULTILINE)


def read_msg(data: bytes, filename: str) -> ReadDocument:
    """Read a message saved by Outlook.

    Raises:
        ReadError: it is damaged.
    """
    streams = Compound(data).streams()
    texts = {
        name: _property(streams, name)
        for name in (_MSG_SUBJECT, _MSG_SENDER, _MSG_TO, _MSG_CC, _MSG_BODY, _MSG_HEADERS)
    }
    if not any(texts.values()):
        raise ReadError("broken", "This message is damaged and can't be read. Save it again in Outlook and retry.")
    address = _property(streams, _MSG_SENDER_ADDRESS)
    sender = (
        f"{texts[_MSG_SENDER]} <{address}>" if "@" in address and address != texts[_MSG_SENDER] else texts[_MSG_SENDER]
    )
    found = re.search(r"(?im)^Date:(.*)$", texts[_MSG_HEADERS])
    headers = {
        "From": one_line(sender),
        "To": one_line(texts[_MSG_TO].replace("\x00", "")),
        "Cc": one_line(texts[_MSG_CC].replace("\x00", "")),
        "Date": one_line(found[1]) if found else "",
        "Subject": one_line(texts[_MSG_SUBJECT]),
    }
    html = streams.get(f"__substg1.0_{_MSG_HTML}0102", b"")
    body = texts[_MSG_BODY]
    return _mail(headers, literal(body) if body.strip() else fragment_markdown(decode(html)) if html else "", filename)


def _property(streams: dict[str, bytes], identifier: str) -> str:
    wide = streams.get(f"__substg1.0_{identifier}001F")
    if wide is not None:
        return wide.decode("utf-16-le", "replace").rstrip("\x00")
    return decode(streams.get(f"__substg1.0_{identifier}001E", b"")).rstrip("\x00")
