"""What the runner is told about a turn; everything else it looks up itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import uuid


@dataclass(frozen=True, slots=True)
class PastMessage:
    """An earlier message of the conversation."""

    role: Literal["customer", "assistant"]
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The customer's word on a proposed action, by the button."""

    action: uuid.UUID
    confirmed: bool


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
    reply: str = ""
    """Id of the reply that is to come; empty where none is kept."""
    user: int | None = None
    """Who is signed in."""
    actor: str = "visitor"
    """The customer's name in the audit trail."""
    decision: Decision | None = None
    """Set when the message is a pressed button."""
    eventful: bool = True
    """Whether tools have been used in this conversation or changes proposed; most have neither."""
    failed_before: bool = False
    """The conversation's reply before failed, did not know, came from a stand-in or was rated badly."""
    quiet: bool = False
    """A person answers here: the decision is carried out, and nothing is said but how it ended."""
