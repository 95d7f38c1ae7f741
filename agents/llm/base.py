"""The provider protocol: messages, tools and options in; a stream of small typed chunks out.

A provider is one file. Whatever it talks to, it raises only `LLMError`, and it ends a complete answer with `Finished`;
a stream that stops without one was cut short, and the chain reports it as truncated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from knowledge.retrieval.search import SearchResult

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "unknown", "truncated"]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A call that a model asked for; `arguments` is the JSON text it wrote, whatever that is."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt. One of the assistant may ask for tools; one of a tool answers such a request."""

    role: Role
    content: str
    tool_calls: tuple[ToolRequest, ...] = ()
    tool_call_id: str = ""
    images: tuple[str, ...] = ()
    """Addresses of pictures that go along with the text: "data:image/png;base64,…"."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool a model may ask for; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found for this turn; passage number n of the prompt is `result.passages[n - 1]`."""

    question: str
    language: str
    result: SearchResult
    weak: bool
    """The passages are too far from the question to answer it (see `agents.confidence`)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer. Times are seconds on the running loop's clock."""

    temperature: float = 0.2
    max_tokens: int = 1024
    evidence: Evidence | None = None
    model: str = ""
    """Overrides the provider's own model when not empty."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema that the whole answer is asked to fit; see `agents.llm.structured`."""
    deadline: float | None = None
    """Loop time after which nothing more is waited for, whatever the provider's own limits say."""
    feature: str = ""
    """What the request is counted as, one of `agents.models.Feature`; empty: what its account says."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of visible text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of a tool call; pieces of one call share `index`."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `estimated` when the provider reported none."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = True


@dataclass(frozen=True, slots=True)
class Finished:
    """The provider says that the answer is complete, and why it ends here."""

    reason: FinishReason


Chunk = TextDelta | ToolCallDelta | Usage | Finished


class LLMError(Exception):
    """The provider failed; the message is for developers and traces, never for customers.

    Attributes:
        retryable: the same request may succeed later or elsewhere (time-outs, 429, 5xx); a wrong key or a wrong model
        will not. kind: a short slug for traces and metrics, such as "connect", "first_content", "idle", "status",
        "protocol". status: the HTTP status when there was one. retry_after: the seconds for which the provider asked to
        be left alone, if it did.
    """

    def __init__(
        self, message: str, *, kind: str, retryable: bool, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Keep what the chain decides on beside the message."""
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.status = status
        self.retry_after = retry_after


class Provider(Protocol):
    """Anything that can answer.

    One behind a network also has a `key: str`, its identity for the circuit breaker: whatever has the same key fails
    and recovers together. What wraps a provider passes the key on.
    """

    name: str
    model: str

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Stream an answer.

        Closing the generator (a customer pressing stop) releases the connection at once.

        Raises:
            LLMError: the provider could not be reached, refused, broke its protocol or exceeded a limit.
        """
        ...


def key_of(provider: Provider) -> str:
    """Return what the circuit breaker knows a provider by; empty for one that it does not watch."""
    key: str = getattr(provider, "key", "")
    return key
