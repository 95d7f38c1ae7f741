"""Small messages between processes that a conversation has news. They may be lost: the news is in the database."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import RedisError

log = logging.getLogger(__name__)
HINT = "conversation.hint"
PAUSE_SECONDS = 1.0  # before listening again when the layer is away

#: What a channel layer throws while it is away.
AWAY = (OSError, RuntimeError, RedisError)


class Hints:
    """Hints through a channel layer; without one, nothing is sent and the regular look at the database has to do."""

    def __init__(self, layer: Any = None) -> None:
        self._layer = layer
        self._channel = ""
        self._joining: asyncio.Queue[tuple[uuid.UUID, bool]] = asyncio.Queue()

    @property
    def available(self) -> bool:
        """Whether there is a layer to send hints through."""
        return self._layer is not None

    def join(self, conversation: uuid.UUID) -> None:
        """Listens for hints on a conversation from soon on."""
        if self._layer:
            self._joining.put_nowait((conversation, True))

    def leave(self, conversation: uuid.UUID) -> None:
        """Listens no more."""
        if self._layer:
            self._joining.put_nowait((conversation, False))

    async def send(self, conversation: uuid.UUID) -> None:
        """Tells every other process that listens; says nothing when the layer is away."""
        if self._layer:
            with contextlib.suppress(*AWAY):
                message = {"type": HINT, "conversation": conversation.hex, "from": self._channel}
                await self._layer.group_send(_group(conversation), message)

    async def listen(self, heard: Callable[[uuid.UUID], Awaitable[None]]) -> None:
        """Calls `heard` for every hint of another process; for a task of its own."""
        if not self._layer:
            return
        self._channel = await self._layer.new_channel()
        joiner = asyncio.ensure_future(self._join_and_leave())
        try:
            while True:
                try:
                    message = await self._layer.receive(self._channel)
                except AWAY as error:
                    log.warning("No hints: %s", error)
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                if message["from"] != self._channel:
                    await heard(uuid.UUID(message["conversation"]))
        finally:
            joiner.cancel()

    async def _join_and_leave(self) -> None:
        while True:
            conversation, come = await self._joining.get()
            change = self._layer.group_add if come else self._layer.group_discard
            try:
                await change(_group(conversation), self._channel)
            except AWAY as error:
                log.warning("No hints on %s: %s", conversation, error)


def _group(conversation: uuid.UUID) -> str:
    return f"conversation.{conversation.hex}"
