"""Answers for evaluation runs, judged; see `knowledge.evaluation.answers`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from agents.evaluation.asking import Reply, Searches, ask, try_of
from agents.evaluation.judging import judge
from agents.evaluation.words import measures_by_words
from agents.guardrails.redaction import Own
from agents.llm import ledger
from agents.llm.base import LLMError
from agents.llm.metering import Account
from agents.llm.plan import plan_turn
from agents.models import Feature
from knowledge.embedding.base import EmbedderError
from knowledge.evaluation.answers import Answered
from knowledge.evaluation.wording import MODEL
from knowledge.retrieval.trial import Trial
from tenants.models import Tenant
from tenants.scope import in_thread, tenant_scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.llm.base import Provider
    from agents.prompts.trial import Try

LIMIT = 120.0
"""Seconds for an answer."""
log = logging.getLogger(__name__)


def answer(tenant_id: int, question: str, expected: str, candidate: Mapping[str, Any]) -> Answered:
    """Answer a question and judge the answer, by words and, where there is a model, by the model; see `Answering`."""
    with tenant_scope(tenant_id):
        asked = try_of(Tenant.objects.get(pk=tenant_id), question, candidate)
    return asyncio.run(_answered(asked, Searches(Trial.of(candidate)), expected))


async def _answered(asked: Try, searches: Searches, expected: str) -> Answered:
    try:
        async with asyncio.timeout(LIMIT):
            reply = await ask(asked, searches)
    except TimeoutError:
        return Answered(failed=f"There was no answer within {LIMIT:.0f} seconds.")
    finally:
        await ledger.flush()
    if reply.failed:
        return Answered(failed=reply.failed)
    return await _judged(asked, reply, expected)


async def _judged(asked: Try, reply: Reply, expected: str) -> Answered:
    question, passages = asked.turn.question, reply.passages
    try:
        measures = await in_thread(measures_by_words, question, reply.text, expected, passages, known=reply.known)
        if not (providers := await judges_of(asked)):
            return Answered(reply.text, measures)
        judged = await judge(providers, question, reply.text, expected, passages)
    except EmbedderError as error:
        return Answered(reply.text, failed=str(error))
    except LLMError as error:
        log.warning("An answer could not be judged: %s", error)
        return Answered(reply.text, measures, f"The model could not judge it: {error}")
    finally:
        await ledger.flush()
    return Answered(reply.text, {**measures, **{f"{MODEL}{name}": value for name, value in judged.items()}})


async def judges_of(asked: Try) -> Sequence[Provider]:
    """Return the tenant's models in the order in which they would answer, each request counted and paid for."""
    turn, prepared = asked.turn, asked.prepared
    account = Account.of(turn, prepared.budgets)
    account.feature = Feature.JUDGE

    async def nothing() -> tuple[str, ...]:
        return ()

    return (await plan_turn(turn, prepared, account, Own.of(turn), nothing)).providers
