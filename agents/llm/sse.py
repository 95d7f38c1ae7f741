"""Decoding of server-sent events (WHATWG HTML, section 9.2), just the part that chat completions use."""

from __future__ import annotations

MAX_EVENT_BYTES = 1 << 20


class EventTooLargeError(ValueError):
    """One event exceeded `MAX_EVENT_BYTES`; no token is that long."""


class EventDecoder:
    """Turns network reads, split anywhere, into the data of complete events. Comments (keep-alives) yield nothing."""

    def __init__(self) -> None:
        """Start at an event boundary."""
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, read: bytes) -> list[bytes]:
        """Return the data of the events that `read` completes, in order.

        Raises:
            EventTooLargeError: an event has more than `MAX_EVENT_BYTES`.
        """
        events: list[bytes] = []
        lines = (self._rest + read).split(b"\n")
        self._rest = lines.pop()
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].lstrip())
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        if len(self._rest) + sum(map(len, self._data)) > MAX_EVENT_BYTES or any(
            len(event) > MAX_EVENT_BYTES for event in events
        ):
            raise EventTooLargeError(f"an event exceeds {MAX_EVENT_BYTES} bytes")
        return events

    def finish(self) -> list[bytes]:
        """Return the data of a last event that the server did not end with an empty line."""
        return self.feed(b"\n\n")


class WholeBody:
    """The same for a body that is one JSON document: of servers that do not stream."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._body = bytearray()

    def feed(self, read: bytes) -> list[bytes]:
        """Keep what came; raises EventTooLargeError as well."""
        self._body += read
        if len(self._body) > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"the body exceeds {MAX_EVENT_BYTES} bytes")
        return []

    def finish(self) -> list[bytes]:
        """Return the document, if there is one."""
        return [bytes(self._body)] if self._body.strip() else []
