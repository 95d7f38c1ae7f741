"""Every request to a model is counted, whatever becomes of it, and held to the tenant's budgets before it is sent."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from agents import budgets
from agents.budgets import Level
from agents.llm import ledger, prices
from agents.llm.base import Finished, LLMError, TextDelta, ToolCallDelta, Usage, key_of
from agents.models import Feature
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.context import Turn
    from agents.llm.base import Chunk, Message, Options, Provider, ToolSpec
    from agents.llm.registry import Model
    from agents.models import Budget

CHEAP = "primary"
"""The model that is still asked while a tenant economises."""
NOTHING_DONE = frozenset({"connect", "status", "configuration", "protocol", "error_event"})
"""Failures that, before any content, mean that no model has read the request: refused, or a page and no stream."""
ROOM = 1_000
"""Tokens beyond what a request can account for before a provider's count is absurd: templates, hidden thoughts."""


@dataclass(slots=True)
class Account:
    """Who pays and for what: one for each turn, or for each job outside of a turn. It grows with every request."""

    tenant_id: int
    conversation: str = ""
    reply: str = ""
    customer: str = ""
    feature: str = Feature.ANSWER
    intent: str = ""
    budgets: tuple[Budget, ...] = ()
    cost: Decimal = Decimal(0)
    """US dollars of all requests so far."""
    usage: Usage = field(default_factory=lambda: Usage(estimated=False))
    calls: int = 0

    @classmethod
    def of(cls, turn: Turn, budgets: tuple[Budget, ...] = ()) -> Self:
        """Return the account of a turn; the runner makes one, `reply.account`, that all providers of the turn share."""
        return cls(turn.tenant_id, turn.conversation, turn.reply, turn.actor, budgets=budgets)

    def understood(self, intent: str) -> None:
        """Say what the customer wanted, for the figures; earlier requests of this turn count to it as well."""
        if intent and not self.intent:
            self.intent = intent
            if self.calls and self.reply:
                ledger.note(ledger.Entry(self))

    def charge(self, measured: ledger.Measured) -> None:
        """Add a request."""
        self.calls += 1
        self.cost += measured.cost
        self.usage = Usage(
            self.usage.prompt_tokens + measured.prompt_tokens,
            self.usage.completion_tokens + measured.completion_tokens,
            estimated=self.usage.estimated or measured.estimated,
        )


class Metered:
    """A provider whose requests are counted and paid for by an account."""

    def __init__(self, inner: Provider, model: Model, account: Account) -> None:
        """Take a provider, the model that it asks, whose prices hold, and who pays."""
        self.name = inner.name
        self.model = inner.model
        self.key = key_of(inner)
        self.account = account
        self._inner = inner
        self._priced = model

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Stream an answer; see `agents.llm.base.Provider`.

        Raises:
            LLMError: also of kind "budget", before anything is sent, when the money is gone.
        """
        hold = await self._reserve(messages, tools, options)
        meter = _Meter()
        try:
            async with aclosing(self._inner.stream(messages, tools, options)) as chunks:
                async for chunk in chunks:
                    meter.see(chunk)
                    yield chunk
        except LLMError as error:
            meter.error = error
            raise
        except (GeneratorExit, asyncio.CancelledError):
            meter.stopped = True
            raise
        finally:
            measured = self._measured(meter, messages, tools, options)
            self.account.charge(measured)
            ledger.note(ledger.Entry(self.account, measured, hold))

    async def _reserve(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> uuid.UUID | None:
        """Set aside what the request may cost; None where there is nothing to set aside."""
        account = self.account
        if not account.budgets:
            return None
        if any(not budget.amount for budget in account.budgets):
            raise _refused(Level.STOP)
        prompt = prices.estimated_tokens(prices.prompt_size(messages, tools))
        amount = prices.cost_of(self._priced, prompt, options.max_tokens)
        if not amount:
            return None
        if budgets.remembered_level(account.tenant_id) == Level.STOP:
            raise _refused(Level.STOP)
        hold = uuid.uuid4()
        cheap = self.name == CHEAP or self._feature(options) == Feature.TRIAL
        reserving = asyncio.ensure_future(
            in_tenant(account.tenant_id, budgets.reserve, hold=hold, amount=amount, cheap=cheap)
        )
        try:
            level = await asyncio.shield(reserving)
        except asyncio.CancelledError:  # the thread goes on and sets it aside: only then can it be freed
            reserving.add_done_callback(lambda done: _free(done, account, hold))
            raise
        if level >= (Level.STOP if cheap else Level.ECONOMISE):
            raise _refused(level)
        return hold

    def _feature(self, options: Options) -> str:
        return options.feature or self.account.feature

    def _measured(
        self, meter: _Meter, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> ledger.Measured:
        usage = meter.usage(prices.prompt_size(messages, tools), options.max_tokens)
        return ledger.Measured(
            feature=self._feature(options),
            provider=self.name,
            model=options.model or self.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            estimated=usage.estimated,
            priced=prices.is_priced(self._priced),
            cost=prices.cost_of(self._priced, usage.prompt_tokens, usage.completion_tokens),
            outcome=meter.outcome,
            status=meter.error.status if meter.error else None,
            first_ms=meter.first_ms,
            total_ms=meter.elapsed(),
        )


class _Meter:
    """What is seen of one stream."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.first_ms: float | None = None
        self.error: LLMError | None = None
        self.stopped = False
        self._finished = False
        self._reported: Usage | None = None
        self._written = 0

    def see(self, chunk: Chunk) -> None:
        if isinstance(chunk, TextDelta):
            self._content(prices.size_of(chunk.text))
        elif isinstance(chunk, ToolCallDelta):
            self._content(prices.size_of(chunk.name) + prices.size_of(chunk.arguments))
        elif isinstance(chunk, Usage):
            self._reported = chunk
        else:
            self._finished = self._finished or isinstance(chunk, Finished)

    def _content(self, size: int) -> None:
        if self.first_ms is None:
            self.first_ms = self.elapsed()
        self._written += size

    def elapsed(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 2)

    @property
    def outcome(self) -> str:
        """What became of it: see `agents.models.ModelCall.outcome`."""
        if self.error:
            return self.error.kind
        if self._finished:
            return "ok"
        if self.stopped:
            return "stopped"
        return "truncated" if self.first_ms is not None else "empty"

    def usage(self, prompt_size: int, max_tokens: int) -> Usage:
        """The provider's count where believable; an estimate where a model has read the question; else nothing."""
        reported = self._reported
        if reported and not reported.estimated and self._believable(reported, prompt_size, max_tokens):
            return reported
        if self.error and self.first_ms is None and (self.error.status or self.error.kind in NOTHING_DONE):
            return Usage(estimated=False)
        return Usage(prices.estimated_tokens(prompt_size), prices.estimated_tokens(self._written))

    def _believable(self, usage: Usage, prompt_size: int, max_tokens: int) -> bool:
        """No token is shorter than a byte, no prompt without tokens, and nothing is written beyond the limit."""
        prompt = 0 < usage.prompt_tokens <= prompt_size + ROOM
        return prompt and 0 <= usage.completion_tokens <= max(max_tokens, self._written) + ROOM


def _refused(level: Level) -> LLMError:
    return LLMError(f"the tenant's budget says {level.name.lower()}", kind="budget", retryable=False)


def _free(reserving: asyncio.Future[Level], account: Account, hold: uuid.UUID) -> None:
    """Free what was set aside for a request that nobody waits for any more."""
    if reserving.cancelled() or reserving.exception() is None:
        ledger.note(ledger.Entry(account, hold=hold))
