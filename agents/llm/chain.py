"""Asks one provider after the other, and decides what happens when one of them fails.

Before the first text a failure is silent: the provider is asked once more where that may help soon, then the next one
answers. After it the runner voids the text with a `Reset` and the next provider starts again, so there is only ever one
visible answer. A provider that fails again and again is left alone (see `agents.llm.breaker`). Where all fail, the
runner quotes the documents, which needs no network.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from agents.llm import breaker
from agents.llm.base import Finished, LLMError, TextDelta, ToolCallDelta, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from agents.llm.base import Chunk, Message, Options, Provider, ToolSpec

TURN_LIMIT = 60.0
"""Seconds all providers of one turn have together."""
RETRY_SPREAD = 0.3
"""Seconds before a provider is asked again at most; any moment of them is as likely (full jitter)."""
RETRY_AFTER_LIMIT = 2.0
"""Seconds a provider may ask to be waited for before the next one is asked instead."""
QUICK = 2.0
"""Seconds after which a failure took too long to try the same again."""
FAIR_TRIAL = 5.0
"""Seconds after which a provider is blamed for not having answered when the turn's time was over."""
LONGEST_TOKEN = 40
"""Characters a token has at most: an answer of more than so many for each is endless."""
BLAMELESS = frozenset({"budget", "configuration", "schema"})
"""Failures that say nothing about the provider."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider starts; `after` is the failure of the one before it, or with `again` its own."""

    provider: Provider
    after: LLMError | None
    again: bool = False


async def stream(
    chain: Sequence[Provider], messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
) -> AsyncGenerator[Attempt | Chunk, None]:
    """Stream the answer of the first provider that gives one, each try announced by an `Attempt`.

    Raises:
        LLMError: the last provider failed too.
    """
    options = replace(options, deadline=options.deadline or asyncio.get_running_loop().time() + TURN_LIMIT)
    failure: LLMError | None = None
    for provider in chain:
        tries = _Tries(provider, options, failure)
        async with aclosing(tries.stream(messages, tools)) as chunks:
            async for chunk in chunks:
                yield chunk
        failure = tries.failure
        if tries.answered:
            return
    raise failure or LLMError("no provider", kind="configuration", retryable=False)


class _Tries:
    """One provider's share of an answer: asked once, or twice, or left alone."""

    def __init__(self, provider: Provider, options: Options, failure: LLMError | None) -> None:
        self.provider = provider
        self.failure = failure
        """Why the answer is not there yet: what went wrong last."""
        self.answered = False
        self._options = options
        self._shown = False

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Attempt | Chunk, None]:
        """Yield an answer; without one `failure` says why not."""
        again = False
        while True:
            permit = await breaker.shared().allow(key_of(self.provider))
            if permit is None:
                left_alone = LLMError("left alone after it failed", kind="breaker", retryable=False)
                self.failure = self.failure or left_alone
                return
            trial = _Trial(permit, self._options)
            try:
                with trial:
                    yield Attempt(self.provider, self.failure, again)
                    async with aclosing(_complete(self.provider, messages, tools, self._options)) as chunks:
                        async for chunk in chunks:
                            trial.see(chunk)
                            self._shown = self._shown or isinstance(chunk, TextDelta)
                            yield chunk
            except LLMError as error:
                self.failure = error
                pause = None if again or self._shown else trial.pause(error)
            else:
                self.answered = True
                return
            if pause is None:
                return
            await asyncio.sleep(pause)
            again = True


class _Trial:
    """A request, and what the breaker is told of it: nothing where the customer left."""

    def __init__(self, permit: breaker.Permit, options: Options) -> None:
        self._permit = permit
        self._deadline = options.deadline or float("inf")
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._told = False

    def __enter__(self) -> Self:
        return self

    def see(self, chunk: Chunk) -> None:
        """Look for the end of the answer, and whether it is one: whoever reads it may stop there."""
        if isinstance(chunk, Finished):
            self._told = True
            if chunk.reason != "truncated":
                breaker.shared().success(self._permit)
            elif self._starved():
                breaker.shared().release(self._permit)
            else:
                breaker.shared().failure(self._permit, breaker.CUT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._told:
            return
        if isinstance(error, LLMError) and error.kind not in BLAMELESS and not self._starved():
            breaker.shared().failure(self._permit, breaker.describe(error), error.retry_after)
        else:
            breaker.shared().release(self._permit)

    def _starved(self) -> bool:
        """Whether others had used up the turn's time."""
        now = self._time()
        return now >= self._deadline and now - self._began < FAIR_TRIAL

    def pause(self, error: LLMError) -> float | None:
        """Return the seconds after which the same provider may be asked again, None where that is of no use."""
        now = self._time()
        pause = random.uniform(0, RETRY_SPREAD)  # noqa: S311 (no secret)
        if error.retry_after is not None:
            if error.retry_after > RETRY_AFTER_LIMIT:
                return None
            pause += error.retry_after
        worth_it = error.retryable and now - self._began < QUICK and now + pause + QUICK < self._deadline
        return pause if worth_it else None


async def _complete(
    provider: Provider, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
) -> AsyncGenerator[Chunk, None]:
    """Pass a provider's stream on and make its end explicit.

    Cut short with text is truncated, without is a failure; endless text ends at `LONGEST_TOKEN` for each token.
    """
    room = max(options.max_tokens, 1) * LONGEST_TOKEN
    content = finished = False
    async with aclosing(provider.stream(messages, tools, options)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, TextDelta):
                room -= len(chunk.text)
                if room < 0:
                    break
            content = content or _has_content(chunk)
            finished = finished or isinstance(chunk, Finished)
            if content or not finished:
                yield chunk
    if room < 0:
        if not content:
            raise LLMError("a token without an end", kind="protocol", retryable=False)
        yield Finished("length")
    elif not content:
        raise LLMError("the answer was empty", kind="empty", retryable=True)
    elif not finished:
        yield Finished("truncated")


def _has_content(chunk: Chunk) -> bool:
    if isinstance(chunk, TextDelta):
        return bool(chunk.text.strip())
    return isinstance(chunk, ToolCallDelta) and bool(chunk.name or chunk.arguments)
