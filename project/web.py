"""daphne, with two things more: it is ready before it accepts, and sending waits while a client does not read.

daphne hands frames to Twisted, which keeps what the network does not take; nobody would notice a client that reads
nothing until the memory is gone. Here the application's `send` waits meanwhile, as under uvicorn, and decides itself
how much it keeps.
"""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from daphne.cli import CommandLineInterface
from daphne.server import Server

from project import warm_up

WARM_SECONDS = 10.0  # at most: without its database a server must at least say so


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

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._flows: WeakKeyDictionary[Any, Flow] = WeakKeyDictionary()

    def run(self) -> None:
        """Accepts connections once it can answer; those that come earlier wait in the socket."""
        warm_up.wait(WARM_SECONDS)
        super().run()

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Sends a message of the application's; returns once the connection takes more."""
        if message["type"] == "websocket.send":
            await self._flow(protocol).wait()
        await super().handle_reply(protocol, message)

    def _flow(self, protocol: Any) -> Flow:
        flow = self._flows.get(protocol)
        if flow is None:
            flow = self._flows[protocol] = Flow()
            protocol.transport.unregisterProducer()  # the HTTP channel that the socket came in by
            protocol.transport.registerProducer(flow, True)  # a push producer
        return flow


class CommandLine(CommandLineInterface):  # type: ignore[misc] # daphne ships no types
    """daphne's command line, for the patient server."""

    server_class = PatientServer


if __name__ == "__main__":
    CommandLine.entrypoint()
