"""What the runner is told about a turn; everything else it looks up itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PastMessage:
    """An earlier message of the conversation."""

    role: Literal["customer", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a customer with its conversation so far, oldest message first."""

    tenant_id: int
    tenant_name: str
    language: str
    conversation: str
    question: str
    history: tuple[PastMessage, ...] = ()
    summary: str = ""
    """The running summary stored with the conversation's last answer."""
