"""How many turns this process has under way: while it is busy, what only reviewers read is made at less cost."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 4
"""Turns at once from which on a process is busy: two cores that answer twenty customers without a pause have ten."""


class _Load:
    turns = 0


@contextmanager
def under_way() -> Iterator[None]:
    """Count one turn; on the event loop only."""
    _Load.turns += 1
    try:
        yield
    finally:
        _Load.turns -= 1


def is_busy() -> bool:
    """Return whether more turns are under way than can be looked at closely."""
    return _Load.turns > BUSY
