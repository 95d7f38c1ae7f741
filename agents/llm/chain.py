"""Which providers there are, and what happens when one of them fails.

Before the first text a failure is silent: the next provider answers. After it the runner voids the text with a `Reset`
and the next provider starts again, so there is only ever one visible answer. The extractive answerer at the end needs
no network.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings

from agents.llm.base import Finished, LLMError, TextDelta, ToolCallDelta
from agents.llm.extractive import Extractive
from agents.llm.openai_compatible import OpenAICompatible

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.llm.base import Chunk, Message, Options, Provider, ToolSpec

TURN_LIMIT = 60.0
"""Seconds all providers of one turn have together."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider starts; `after` is the failure of the one before it."""

    provider: Provider
    after: LLMError | None


def language_models() -> list[Provider]:
    """Return the configured models, preferred first; empty without a key or an address."""
    config = settings.ASKWELL
    models: list[Provider] = []
    if config.openai_api_key or config.openai_base_url:
        models.append(
            OpenAICompatible(
                name="primary",
                model=config.chat_model,
                base_url=config.openai_base_url,
                api_key=config.openai_api_key,
            )
        )
    if config.fallback_api_key or config.fallback_base_url:
        models.append(
            OpenAICompatible(
                name="fallback",
                model=config.fallback_model or config.chat_model,
                base_url=config.fallback_base_url,
                api_key=config.fallback_api_key,
            )
        )
    return models


def providers() -> list[Provider]:
    """Return everything that can answer, in order; the last one always can."""
    return [*language_models(), Extractive()]


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
        yield Attempt(provider, failure)
        try:
            async with aclosing(_complete(provider, messages, tools, options)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except LLMError as error:
            failure = error
        else:
            return
    raise failure or LLMError("no provider", kind="configuration", retryable=False)


async def _complete(
    provider: Provider, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
) -> AsyncGenerator[Chunk, None]:
    """Pass a provider's stream on and make its end explicit: cut short with text is truncated, without is a failure."""
    content = finished = False
    async with aclosing(provider.stream(messages, tools, options)) as chunks:
        async for chunk in chunks:
            content = content or isinstance(chunk, TextDelta | ToolCallDelta)
            finished = finished or isinstance(chunk, Finished)
            if content or not finished:
                yield chunk
    if not content:
        raise LLMError("the answer was empty", kind="empty", retryable=True)
    if not finished:
        yield Finished("truncated")
