"""daphne, with three things more: it is ready before it accepts, sending waits for clients, and frames go out at once.

daphne hands frames to Twisted, which keeps what the network does not take; nobody would notice a client that reads
nothing until the memory is gone. Here the application's `send` waits meanwhile, as under uvicorn, and decides itself
how much it keeps.

And it hands them over to be written when the event loop comes round to it: to begin and to end waiting for the socket
costs more than to write to it. Here a text is offered to the socket first, which nearly always takes all of it.
"""

import asyncio
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from twisted.internet.tcp import Connection

from project import warm_up

WARM_SECONDS = 10.0  # at most: without its database a server must at least say so
FINAL_TEXT = 0x81  # the first byte of a frame that is a whole text message
ONE_BYTE_LENGTHS = 125  # of a payload; two numbers above it announce lengths of 2 and of 8 bytes


class Flow:
    """Whether a connection takes more; Twisted tells it as it would a push producer (IPushProducer)."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()
        self.wait = self._free.wait

    def pauseProducing(self) -> None:  # noqa: N802 (Twisted's name)
        """More waits than Twisted likes to keep."""
        self._free.clear()

    def resumeProducing(self) -> None:  # noqa: N802 (Twisted's name)
        """All has been written."""
        self._free.set()

    def stopProducing(self) -> None:  # noqa: N802 (Twisted's name)
        """The connection is gone: whoever waits may go on."""
        self._free.set()


class PatientServer(Server):  # type: ignore[misc] # daphne ships no types
    """daphne's server, whose sockets push back."""

    def run(self) -> None:
        """Accepts connections once it can answer; those that come earlier wait in the socket."""
        warm_up.wait(WARM_SECONDS)
        super().run()

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Sends a message of the application's; returns once the connection takes more."""
        if message["type"] == "websocket.send":
            await self._flow(protocol).wait()
            text = message.get("text")
            if text and isinstance(protocol.transport, Connection) and protocol.state == protocol.STATE_OPEN:
                write_now(protocol.transport, text_frame(text))
                return
        await super().handle_reply(protocol, message)

    def _flow(self, protocol: Any) -> Flow:
        flow: Flow | None = getattr(protocol, "flow", None)
        if flow is None:
            flow = protocol.flow = Flow()
            protocol.transport.unregisterProducer()  # the HTTP channel that the socket came in by
            protocol.transport.registerProducer(flow, True)  # a push producer
        return flow


def text_frame(text: str) -> bytes:
    """A whole text message as a server sends it, not compressed: daphne agrees to no extensions (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size <= ONE_BYTE_LENGTHS:
        return bytes((FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((FINAL_TEXT, ONE_BYTE_LENGTHS + 1)) + size.to_bytes(2, "big") + payload
    return bytes((FINAL_TEXT, ONE_BYTE_LENGTHS + 2)) + size.to_bytes(8, "big") + payload


def write_now(transport: Any, data: bytes) -> None:
    """Writes to a socket; what it does not take, Twisted keeps, and finds out why if it is broken."""
    taken = 0
    # Twisted joins what it was given since its last write with the rest of that one only when it writes again.
    if not transport.dataBuffer and not transport._tempDataBuffer:  # noqa: SLF001 (Twisted does not tell otherwise)
        taken = transport.writeSomeData(data)
    if taken != len(data):
        transport.write(data[taken:] if isinstance(taken, int) else data)


class CommandLine(CommandLineInterface):  # type: ignore[misc] # daphne ships no types
    """daphne's command line, for the patient server."""

    server_class = PatientServer


if __name__ == "__main__":
    CommandLine.entrypoint()
