"""A reply by a language model, with the tenant's tools."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from agents import transcript
from agents.guardrails.rules import fenced_tone
from agents.llm.base import Message
from agents.prompts import fence_passages
from agents.tool_loop import ToolLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.actions.outcomes import Decided
    from agents.context import Turn
    from agents.events import Event
    from agents.llm.base import Provider
    from agents.models import Action
    from agents.preparation import Prepared
    from agents.reply import Reply
    from agents.services import Services
    from knowledge.retrieval.search import SearchResult


@dataclass(frozen=True, slots=True)
class Basis:
    """What a reply starts from: what was found for the question, or a change that the customer has just decided on."""

    found: SearchResult | None = None
    decided: Decided | None = None


async def answer_by_model(
    reply: Reply, models: Sequence[Provider], services: Services, prepared: Prepared, basis: Basis
) -> AsyncGenerator[Event, None]:
    """Yield what the customer is shown while models answer.

    Raises:
        LLMError: every model failed; what is settled of the reply stays.
    """
    careful = reply.signals is not None and reply.signals.careful
    messages = prompt_of(reply.turn, prepared, basis, careful=careful)
    reply.prompted(messages)
    loop = ToolLoop(reply.turn, prepared, reply, models, services.call_tools)
    async with aclosing(loop.run(messages)) as shown:
        async for event in shown:
            yield event
    for event in reply.settle():
        yield event
    if reply.filter.unknown and not loop.proposed:
        reply.finish = "unknown"
    if not reply.text:
        summaries = [proposed.summary for proposed in loop.proposed]
        for event in reply.say("\n\n".join(summaries or ([basis.decided.outcome] if basis.decided else []))):
            yield event


def _became(action: Action, prepared: Prepared) -> str:
    """Return what is told of a change beside the customer's words: names and texts in it stand with its call alone."""
    for call in chain.from_iterable(prepared.calls.values()):
        if call.pk == action.call_id:
            call.result = transcript.told(action)
            return f'"{action.get_state_display()}", action {action.pk}; more stands in the result of its call.'
    return transcript.told(action)


def prompt_of(turn: Turn, prepared: Prepared, basis: Basis, *, careful: bool = False) -> list[Message]:
    """Return the messages that ask a model: the rules, the conversation with its calls, and the question.

    With `careful` the rules end with a reminder that no message changes them.
    """
    prompts, question = prepared.prompts, turn.question
    if basis.found and basis.found.passages:
        question = prompts.fill("question", passages=fence_passages(basis.found.passages), question=question)
    if basis.decided:
        question = f"{question}\n({prompts.fill('decided', told=_became(basis.decided.action, prepared))})".strip()
    return [
        Message("system", _rules(turn, prepared, careful=careful)),
        *transcript.history(turn, prepared.calls),
        Message("user", question),
    ]


def _rules(turn: Turn, prepared: Prepared, *, careful: bool) -> str:
    """The rules, then how the tenant wants to sound, then the reminder."""
    prompts, tone = prepared.prompts, fenced_tone(prepared.answers)
    parts = [prompts.fill("act" if prepared.acts else "answer", tenant=turn.tenant_name)]
    parts += [prompts.fill("style", tone=tone)] if tone else []
    parts += [prompts.fill("care")] if careful else []
    return "\n\n".join(parts)
