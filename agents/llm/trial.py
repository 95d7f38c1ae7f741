"""One short question to a model, for whoever sets it up: how fast it answers, in which words, and what that costs."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.llm import ledger, prices
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta
from agents.llm.metering import Account, Metered
from agents.llm.openai_compatible import close_clients
from agents.models import Feature

if TYPE_CHECKING:
    from decimal import Decimal

    from agents.llm.base import Usage
    from agents.llm.registry import Model
    from agents.models import Budget

LIMIT = 10.0
"""Seconds for everything."""
LEEWAY = 1.0
"""Seconds after which a provider that keeps no limit is cut off."""
MAX_TOKENS = 500
"""Enough for models that think before they say a sentence."""
MAX_SAID = 1_000
"""Characters after which nothing more is read."""
QUESTION = (
    Message("system", "Somebody tries whether you can be reached. Answer in one short sentence."),
    Message("user", "Hello! Which model are you?"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """An answer. `cost` is US dollars, None without prices; `complete` is False where it broke off."""

    said: str
    first_ms: float
    total_ms: float
    usage: Usage
    cost: Decimal | None
    complete: bool


def try_model(model: Model, *, tenant_id: int, budgets: tuple[Budget, ...] = ()) -> Trial:
    """Ask a model and return what came; blocks for up to `LIMIT` seconds, and counts as spending of the tenant.

    Raises:
        LLMError: `agents.llm.explaining` says in plain words what it means.
    """
    account = Account(tenant_id, feature=Feature.TRIAL, budgets=budgets)
    # In a context of its own: the caller's open scope belongs to the caller's connection to the database.
    return Context().run(asyncio.run, _try(model, account))


async def _try(model: Model, account: Account) -> Trial:
    try:
        async with asyncio.timeout(LIMIT + LEEWAY):
            return await _ask(model, account)
    except TimeoutError as error:
        raise LLMError("no end in time", kind="idle", retryable=True) from error
    finally:
        await close_clients()
        await ledger.flush()


async def _ask(model: Model, account: Account) -> Trial:
    loop = asyncio.get_running_loop()
    options = Options(max_tokens=MAX_TOKENS, deadline=loop.time() + LIMIT)
    began = time.perf_counter()
    said, first, complete = "", 0.0, False
    async with aclosing(Metered(model.provider(), model, account).stream(QUESTION, (), options)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, TextDelta):
                first = first or time.perf_counter()
                said += chunk.text
            complete = complete or isinstance(chunk, Finished)
            if len(said) > MAX_SAID:
                complete = False
                break
    if not first:
        raise LLMError("the answer was empty", kind="empty", retryable=True)
    ended = time.perf_counter()
    cost = account.cost if prices.is_priced(model) else None
    return Trial(said, (first - began) * 1000, (ended - began) * 1000, account.usage, cost, complete)
