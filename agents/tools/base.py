"""What a tool is, what it is told, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.llm.base import ToolSpec

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Mapping

    from agents.models import ToolKind
    from commerce.models import Customer
    from knowledge.retrieval.search import SearchResult


class ToolError(Exception):
    """A tool could not do what was asked. The message is for the model: what is wrong, and what could be done.

    Attributes:
        code: a slug for figures and for dialogues without a model, such as "not_found", "not_verified", "invalid".
    """

    def __init__(self, message: str, *, code: str = "invalid") -> None:
        """Keep the slug beside the message."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who a tool works for. None of it is ever an argument that a model fills.

    `customer` is whom the conversation is bound to, None before a proof. `typed` is everything the customer wrote in
    this conversation, oldest first: only what stands there proves who they are. Tools run in the tenant's scope, in a
    transaction of their own.
    """

    tenant_id: int
    tenant_name: str
    language: str
    conversation: uuid.UUID
    reply: uuid.UUID
    actor: str
    user: int | None = None
    customer: Customer | None = None
    typed: tuple[str, ...] = ()
    key: str = ""
    """What a change is made once under, the id of its action; empty while it is only tried."""

    def known_customer(self) -> Customer:
        """Return the bound customer.

        Raises:
            ToolError: with code "not_verified", nobody has proved who they are.
        """
        if self.customer is None:
            raise ToolError(
                "The customer is not verified yet: ask for the e-mail address of their account, or for first name, "
                "last name and postcode, then use find_user_id_by_email or find_user_id_by_name_zip.",
                code="not_verified",
            )
        return self.customer


@dataclass(frozen=True, slots=True)
class Card:
    """Something the page shows below a reply; `data` is JSON-able and complete, so that drawing it asks nothing.

    kinds and their data:
        "products": {"products": [{"code", "name", "detail", "price", "rating", "available", "art"}]}
        "comparison": {"products": [{"code", "name", "price"}], "rows": [{"name", "values": [..], "differs", "better"}]}
            where `better` is the index of the better value or None
        "order": {"code", "status", "status_label", "expected", "total", "steps": [{"label", "detail", "state"}],
            "items": [{"name", "detail", "price", "art"}]} where a step's state is "done", "now" or "later"
        "choices": {"options": [{"label", "detail", "text"}]}: pressing one sends its text as a message
    Prices and dates are written out in the conversation's language.
    """

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found: `data` (text or JSON-able) goes to the model, cards to the page.

    `found` are passages that the model may cite; `handover` is the reason when a person is to take over, `summary`
    what they should know.
    """

    data: Any
    cards: tuple[Card, ...] = ()
    found: SearchResult | None = None
    handover: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool under its name. `function` takes a `ToolContext` and the arguments that `parameters` describes.

    A read tool's function returns a `ToolResult` or plain data. That of a change returns what the services returned, a
    `commerce.services.Change`; it is called twice: once to see what would happen, in a savepoint that is rolled back,
    and once more when the customer has confirmed. `needs_customer` tools fail with "not_verified" before a proof.
    """

    name: str
    description: str
    kind: ToolKind
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    needs_customer: bool = False
    limit_ms: int = 5000
    external: bool = False
    """Works through somebody else's server: cannot be tried and rolled back, and runs outside of any transaction. What
    the function of such a change returns is a `ToolResult`."""
    summary: str = ""
    """What a customer confirms of an external change, with the arguments filled in: "Book a fitting on {day}"."""
    scoped: bool = True
    """Runs inside the tenant's scope. A tool with slow work in it opens its own scopes around the rest."""
    per_minute: int | None = None
    """Calls in a minute in the whole tenant, None for any number."""
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def spec(self) -> ToolSpec:
        """What a language model is told of it."""
        return ToolSpec(self.name, self.description, dict(self.parameters))
