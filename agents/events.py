"""What the runner yields: steps, text, and how the turn ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agents.llm.base import Usage


@dataclass(frozen=True, slots=True)
class Citation:
    """A source the answer shows as [n]; `span` are character offsets in the document's text, `quote` the text there."""

    n: int
    document: str
    document_id: int
    chunk: int
    title: str
    url: str
    page: int | None
    heading: str
    span: tuple[int, int]
    quote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished reply with everything worth keeping about it."""

    text: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    """0..1, see `agents.confidence`."""
    intents: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = Decimal(0)
    cached: bool = False
    model: str = ""
    finish: str = "stop"
    """"stop", "length", "content_filter", "truncated" (cut short by the provider) or "unknown" (did not know)."""
    known: bool = True
    degraded: bool = False
    """A provider earlier in the chain failed, so this answer comes from a stand-in."""
    summary: str = ""
    """The conversation's new running summary."""
    trace: dict[str, Any] = field(default_factory=dict)
    """JSON-able account of the turn for reviewers."""


@dataclass(frozen=True, slots=True)
class Step:
    """Work in progress, in the tenant's language; `kind` is stable for code."""

    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the reply; all deltas since the last `Reset` joined are the final text."""

    text: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The deltas so far are void: another provider starts the reply again."""

    reason: str


@dataclass(frozen=True, slots=True)
class CardShown:
    """Something to show below the reply; see `agents.tools.base.Card`."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ActionProposed:
    """A change waits for the customer's word; `detail` is that of `agents.models.Action`."""

    action: str
    summary: str
    detail: dict[str, Any]
    expires_at: str
    """ISO 8601."""
    state: str = "proposed"
    """ "proposed", or "approval" when a person must agree first."""


@dataclass(frozen=True, slots=True)
class ActionDone:
    """A proposed change has come to its end; `state` is one of `agents.models.ActionState`.

    `language` is the one it was proposed in; empty is the tenant's.
    """

    action: str
    ok: bool
    summary: str
    state: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """A person is to take over: reason is one of REASONS; `summary` is for that person."""

    reason: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The turn has ended with an answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn has ended without an answer; `text` is for the customer, `reason` a slug for logs."""

    text: str
    retryable: bool
    reason: str


REASONS = (
    "customer_request",
    "missing_knowledge",
    "unsupported_request",
    "policy_restriction",
    "tool_failure",
    "approval",
    "usage_limit",
    "no_progress",
)
"""Why a conversation comes to people."""

Event = Step | Delta | Reset | CardShown | ActionProposed | ActionDone | Handover | Finished | Failed
