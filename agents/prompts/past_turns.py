"""Past turns that a prompt can be tried on. The chat, which keeps them, says where they come from as it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    from agents.context import Turn


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A reply that a draft can be tried on."""

    reply: uuid.UUID
    question: str
    asked_at: dt.datetime


class PastTurns(Protocol):
    """Where past turns come from; all of it is called in the tenant's scope."""

    def recent(self, limit: int) -> list[PastTurn]:
        """Return the latest replies, the latest first."""
        ...

    def turn_of(self, reply: uuid.UUID) -> Turn | None:
        """Return the turn that this reply answered, as it was asked; None when there is none."""
        ...


@dataclass(slots=True)
class Sources:
    """Who remembers conversations: the chat says so as it starts, since nothing here may know of it."""

    past: PastTurns | None = None


SOURCES = Sources()
