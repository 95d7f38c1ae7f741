"""A reply while it is written: text through the output filter, sources as they are found, and what the end needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from agents import memory
from agents.citations import check_citations
from agents.confidence import RECORD_CONFIDENCE, confidence
from agents.events import Answer, CardShown, Delta, Event, Reset, Step
from agents.guardrails.addresses import without_addresses
from agents.guardrails.output import OutputFilter
from agents.guardrails.personal import Stated
from agents.guardrails.screen import Screen
from agents.llm.base import Usage
from agents.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.context import Turn
    from agents.guardrails.grounding import Grounding
    from agents.guardrails.signals import Signals
    from agents.llm import chain
    from agents.llm.base import Message, Provider
    from agents.llm.metering import Account
    from agents.tools.base import Card
    from agents.trace import Trace
    from knowledge.retrieval.search import Passage, SearchResult

CHARACTERS_PER_TOKEN = 4
"""For usage that the provider does not report."""
BREAK = "\n\n"
MAX_CARDS = 12
"""Cards below one reply."""


@dataclass(slots=True)
class Reply:
    """One reply. `settled` is the text that no failing provider can void: that of earlier rounds and of rules."""

    turn: Turn
    trace: Trace
    question: str = ""
    """What was searched for."""
    text: str = ""
    finish: str = "stop"
    intents: tuple[str, ...] = ()
    usage: Usage = field(default_factory=lambda: Usage(estimated=False))
    account: Account | None = None
    """Who pays for the requests to models; None where nothing is counted."""
    provider: Provider | None = None
    degraded: bool = False
    grounded: bool = False
    """Whether the shop's records were read or changed for it."""
    found: SearchResult | None = None
    """The first search's result: how well the question is covered is judged by it."""
    passages: list[Passage] = field(default_factory=list)
    signals: Signals | None = None
    """What was noticed of the question."""
    grounding: Grounding | None = None
    sure: float | None = None
    """The confidence, once the answer was judged."""
    asked_back: bool = False
    """It only asks the customer what they would like to know."""
    settled: str = ""
    filter: OutputFilter = field(default_factory=OutputFilter)
    stated: Stated = field(default_factory=Stated)
    """What may be repeated to this customer."""
    _screen: Screen = field(init=False)
    _written: int = 0
    """Characters of the provider's since its usage was last counted: what it wrote, not what is shown of it."""
    _cards: list[tuple[str, object]] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the conversation be repeated: it is this customer's own."""
        self.stated.add(self.turn.question, *(message.text for message in self.turn.history))
        self._renew_filter()

    def prompted(self, messages: Sequence[Message]) -> None:
        """Note what a model is sent, and what is added to that meanwhile: all but the rules may be repeated."""
        self.trace.prompted(messages)
        self.stated.tell(messages)

    def add_sources(self, found: SearchResult) -> int:
        """Let the passages of a search be cited; returns how many there were before, from which they count on."""
        before = len(self.passages)
        self.found = self.found or found
        self.passages += found.passages
        self.filter.allow(passages=len(found.passages), urls=[passage.url for passage in found.passages])
        for passage in found.passages:
            self.stated.add(" ".join((passage.title, passage.url, *passage.heading_path)), passage.full_text)
        return before

    def attempt(self, attempt: chain.Attempt, *, last: bool) -> list[Event]:
        """Start over, with a new provider or the same once more; whatever was shown before is void."""
        self.trace.attempt(attempt.provider, attempt.after, again=attempt.again)
        started = self.void(attempt.after.kind) if attempt.after else []
        if attempt.after and not attempt.again:
            self.degraded = True
            started.append(Step("degraded", phrase(self.turn.language, "degraded" if last else "fallback")))
        self.provider = attempt.provider
        self._renew_filter()
        return started

    def void(self, reason: str) -> list[Event]:
        """Take back what is not settled."""
        self.finish, self._written = "stop", 0
        if self.text == self.settled:
            return []
        self.text = self.settled
        kept: list[Event] = [Delta(self.settled)] if self.settled else []
        return [Reset(reason), *kept]

    def write(self, text: str) -> list[Event]:
        """Show what the filters let through of a provider's text."""
        self._written += len(text)
        return self._show(self._screen.feed(self.filter.feed(text)))

    def say(self, text: str) -> list[Event]:
        """Show a paragraph of Askwell's own and settle it; names out of the shop's records make no links in it."""
        events = self.settle()
        checked = OutputFilter(link_removed=phrase(self.turn.language, "link_removed"))
        text = checked.feed(text) + checked.finish()
        events += self._show((BREAK if self.text and text else "") + text)
        self.settled = self.text
        return events

    def add(self, text: str) -> list[Event]:
        """Show a paragraph in the tenant's own or Askwell's own words, as it stands, and settle it."""
        events = self._show((BREAK if self.text else "") + text)
        self.settled = self.text
        return events

    def settle(self) -> list[Event]:
        """Release what the filters held back and keep the text so far, whatever comes."""
        events = self._show(self._screen.feed(self.filter.finish()) + self._screen.finish())
        self.settled, self._numbers = self.text, dict(self.filter.numbers)
        return events

    def begin_paragraph(self, *, offset: int = 0) -> None:
        """Let the next provider's text begin behind the settled one; it counts passages from `offset`."""
        self._renew_filter()
        self.filter.offset = offset

    def show_cards(self, cards: Iterable[Card]) -> list[Event]:
        """Show cards, none of them twice, at most `MAX_CARDS`."""
        shown: list[Event] = []
        for card in cards:
            data = without_addresses(card.data, phrase(self.turn.language, "link_removed"))
            if (card.kind, data) not in self._cards and len(self._cards) < MAX_CARDS:
                self._cards.append((card.kind, data))
                shown.append(CardShown(card.kind, data))
        return shown

    def used(self, usage: Usage, messages: Sequence[Message]) -> None:
        """Add the tokens of one answer of a provider, estimated where it reports none."""
        if usage.estimated:
            prompt = sum(len(message.content) for message in messages)
            usage = Usage(prompt // CHARACTERS_PER_TOKEN, self._written // CHARACTERS_PER_TOKEN)
        self._written = 0
        self.usage = Usage(
            self.usage.prompt_tokens + usage.prompt_tokens,
            self.usage.completion_tokens + usage.completion_tokens,
            estimated=self.usage.estimated or usage.estimated,
        )

    def answer(self) -> Answer:
        """Return the finished answer."""
        checked = check_citations(self.text, self.filter.numbers, self.passages)
        known = self.finish != "unknown"
        titles = [citation.title for citation in checked.citations]
        sure = confidence(self.found, checked.support) if self.found and known else 0.0
        sure = self.sure if self.sure is not None and known else sure
        sure = 1.0 if self.asked_back else sure
        self.trace.event("answer")
        usage, cost = self._charged()
        answer = Answer(
            text=self.text,
            citations=checked.citations,
            confidence=max(sure, RECORD_CONFIDENCE) if self.grounded and known else sure,
            intents=self.intents,
            usage=usage,
            cost=cost,
            model=self.provider.model if self.provider else "none",
            finish=self.finish,
            known=known,
            degraded=self.degraded,
            summary=memory.running_summary(self.turn.summary, self.question or self.turn.question, titles),
            trace=self.trace.record,
        )
        self.trace.answered(answer, provider=self.provider.name if self.provider else "", support=checked.support)
        return answer

    def _charged(self) -> tuple[Usage, Decimal]:
        """What all requests of the turn came to: failed ones and rewritings, too."""
        if self.account is None or not self.account.calls:
            return self.usage, Decimal(0)
        self.account.understood(self.intents[0] if self.intents else "")
        return self.account.usage, self.account.cost

    def _renew_filter(self) -> None:
        self.filter = OutputFilter(
            passages=len(self.passages),
            urls={passage.url for passage in self.passages},
            link_removed=phrase(self.turn.language, "link_removed"),
            numbers=self._numbers,
        )
        self._screen = Screen(self.stated, phrase(self.turn.language, "removed"))

    def _show(self, text: str) -> list[Event]:
        if not text:
            return []
        if not self.text:
            self.trace.event("first token")
        elif self.text == self.settled and not text.startswith("\n"):
            text = BREAK + text  # a new paragraph behind what stands
        self.text += text
        return [Delta(text)]
