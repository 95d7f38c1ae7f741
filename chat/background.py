"""Work of a process that outlives whoever asked for it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)
R = TypeVar("R")


class Background:
    """Tasks of one event loop. Errors of the `expected` kinds are told to whoever asked; others are logged."""

    def __init__(self, expected: tuple[type[Exception], ...]) -> None:
        self._expected = expected
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        """Starts work that goes on when nobody waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, self._expected):
            log.error("Work on a conversation broke", exc_info=error)

    async def close(self) -> None:
        """Breaks everything off, as the end of the process would."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
