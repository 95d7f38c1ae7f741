"""How busy this process is: while it is, what only reviewers read is made at less cost."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = 0.5
"""Seconds that are looked back on, at least; to ask for the processor time oftener costs more than it tells."""
BUSY = 0.5
"""Processor seconds a second from which on a process is busy: the database wants its share of the cores, too. Turns
alone do not tell: hundreds may wait for a model and cost nothing."""


class Load:
    """The turns under way in a process, and the processor time that it takes; on the event loop only."""

    def __init__(self) -> None:
        """Begin to look back from now on."""
        self.turns, self._share = 0, 0.0
        self._wall, self._processor = time.monotonic(), time.process_time()

    def share(self) -> float:
        """Return the processor seconds a second, all threads together, between the last two looks."""
        passed = time.monotonic() - self._wall
        if passed >= WINDOW:
            processor = time.process_time()
            self._share = (processor - self._processor) / passed
            self._wall, self._processor = self._wall + passed, processor
        return self._share


_load = Load()


@contextmanager
def under_way() -> Iterator[None]:
    """Count one turn."""
    _load.turns += 1
    try:
        yield
    finally:
        _load.turns -= 1


def is_busy() -> bool:
    """Return whether other turns wait while one is looked at closely: never for one that is alone."""
    return _load.turns > 1 and _load.share() > BUSY
