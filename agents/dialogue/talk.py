"""One turn of a dialogue while it is worked on: what is known, what is said so far, what was looked up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from agents.dialogue import wording
from agents.dialogue.saying import plain, written_money
from agents.tools.base import Card
from agents.tools.cards import order_card, status_label
from agents.tools.labels import written_day
from agents.tools.registry import tools_of
from commerce.queries import order_timeline, order_total, orders_of, shop_of_tenant
from commerce.queries.catalogue import products_with_variants

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from agents.actions.outcomes import Decided
    from agents.dialogue.state import Option, State
    from agents.models import Action
    from agents.routing.intents import Understanding
    from agents.tools.base import Tool, ToolContext
    from commerce.models import Order, Product

MAX_ORDERS = 200
"""Newest orders of a customer that are looked through; older ones are found by their number alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a reply: text to say, or a question that the documents are to answer at this place.

    With both, the documents are asked first, because they are cited, and the text is said where they do not answer.
    """

    text: str = ""
    question: str = ""


@dataclass
class Talk:
    """What the modules of a dialogue share in one turn. Not for more than one thread."""

    context: ToolContext
    state: State
    understanding: Understanding
    text: str
    language: str
    parts: list[Part] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    proposed: list[Action] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    handover: tuple[str, str] | None = None
    grounded: bool = False
    found_orders: dict[str, Order | None] = field(default_factory=dict)
    """Orders looked up by number in this turn."""
    _sentences: list[str] = field(default_factory=list)

    @cached_property
    def tools(self) -> dict[str, Tool]:
        """The tools that the tenant has switched on, by name."""
        return {tool.name: tool for tool in tools_of(self.context.tenant_id)}

    @cached_property
    def orders(self) -> list[Order]:
        """The customer's orders, newest first; none before a proof."""
        if self.context.customer is None:
            return []
        return list(orders_of(self.context.customer)[:MAX_ORDERS])

    @cached_property
    def currency(self) -> str:
        """The shop's currency."""
        return shop_of_tenant().currency

    def uses(self, name: str) -> bool:
        """Return whether a tool may be used, and note that it is."""
        if name not in self.tools:
            return False
        self.calls.append(name)
        self.grounded = True
        return True

    def products(self, codes: Iterable[str]) -> list[Product]:
        """Return the active products of these codes, in their order, with their variants."""
        wanted = list(dict.fromkeys(codes))
        found = (
            {product.code: product for product in products_with_variants().filter(code__in=wanted)} if wanted else {}
        )
        return [found[code] for code in wanted if code in found]

    def words(self, key: str, **values: object) -> str:
        """Return a text in the customer's language; values must be safe already, see `saying.plain`."""
        return wording.text(self.language, key).format(**values)

    def say(self, key: str, **values: object) -> None:
        """Add a sentence to the paragraph."""
        self._sentences.append(self.words(key, **values))

    def say_list(self, key: str, lines: Sequence[str], **values: object) -> None:
        """Add a sentence and a list below it, which ends the paragraph."""
        self.say(key, **values)
        self.end_paragraph(below="\n".join(lines))

    def end_paragraph(self, below: str = "") -> None:
        """Make the sentences so far a part of the reply, with a list below them."""
        text = " ".join(self._sentences)
        self._sentences.clear()
        if text or below:
            self.parts.append(Part("\n\n".join(filter(None, (text, below)))))

    def add_text(self, text: str) -> None:
        """Add a sentence that is no template: what the shop says of itself, already safe."""
        self._sentences.append(text)

    def spoken_context(self) -> ToolContext:
        """Return the context of the turn in the language of the reply, for what is said of a change."""
        return replace(self.context, language=self.language)

    @property
    def has_sentences(self) -> bool:
        """Whether the paragraph has begun."""
        return bool(self._sentences)

    def ask_documents(self, question: str) -> None:
        """Let the documents answer at this place."""
        self.end_paragraph()
        if question.strip():
            self.parts.append(Part(question=question.strip()))

    def offer(self, options: Sequence[Option], details: Sequence[str] = ()) -> None:
        """Offer choices as buttons, and remember them."""
        self.state.options = list(options)
        filled = [*details, *[""] * len(options)]
        buttons = [
            {"label": option.label, "detail": detail, "text": option.label}
            for option, detail in zip(options, filled, strict=False)
        ]
        self.cards.append(Card("choices", {"options": buttons, "language": self.language}))

    def show_order(self, order: Order) -> None:
        """Show an order with its way."""
        self.cards.append(order_card(order, self.language))

    def label(self, order: Order) -> str:
        """Return the word for where an order stands."""
        return plain(status_label(order, order_timeline(order), self.language))

    def money(self, amount: Decimal, currency: str = "") -> str:
        """Return an amount as it is written in the customer's language."""
        return written_money(amount, currency or self.currency, self.language)

    def total(self, order: Order) -> str:
        """Return what an order's items cost, written."""
        return self.money(order_total(order), order.currency)

    def day(self, day: dt.date) -> str:
        """Return a date written out."""
        return written_day(self.language, day)
