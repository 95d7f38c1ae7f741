"""What becomes of an answer once it is written: is it so, how sure is it, and what does the tenant want done then."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agents import load
from agents.citations import check_citations
from agents.confidence import RECORD_CONFIDENCE, confidence
from agents.events import Delta, Event, Handover, Reset, Step
from agents.guardrails.grounding import check_grounding
from agents.guardrails.rules import phrases_to_add
from agents.guardrails.signals import suspicious_passages
from agents.models import BelowThreshold
from agents.phrases import PHRASES, phrase
from agents.words import WORD, content_words
from knowledge.indexes.language import detect_language
from tenants.scope import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.events import Answer
    from agents.guardrails.grounding import Grounding
    from agents.models import AnswerPolicy
    from agents.reply import Reply

EXTRACTIVE = "extractive"
BREAK = "\n\n"
TELL_EVERY = 5.0
"""Seconds between signs of life while an answer is written that waits for its check."""
MISSING_WORDS = 3
"""Words of a question, at most, that the customer is asked about."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Why an answer is taken back ("confidence" or "ungrounded"), what is said instead, and to whom it goes."""

    why: str
    becomes: str
    text: str
    finish: str = "stop"
    handover: str = ""


async def check_answer(reply: Reply, policy: AnswerPolicy, *, held: bool) -> list[Event]:
    """Judge a finished answer and return what the customer is still to see.

    An answer from the documents that is not sure enough, or not grounded where the tenant holds such back, gives way to
    a sentence; its text stays in the trace. Otherwise the tenant's required phrases follow it.

    Args:
        reply: its text is complete; gets `grounding` and `sure`.
        policy: the tenant's.
        held: nothing of the text was shown yet.
    """
    if reply.passages and reply.finish != "unknown" and not reply.asked_back:
        await judge(reply, closely=policy.hold_ungrounded or policy.min_confidence > 0 or not load.is_busy())
    fate = fate_of(reply, policy)
    if fate:
        reply.trace.withdrawn(reply.text, fate.why, fate.becomes)
        shown = replace_text(reply, fate.text, reason=fate.why, held=held)
        reply.finish = fate.finish
        return [*shown, *([Handover(fate.handover, reply.turn.question)] if fate.handover else [])]
    shown = [Delta(reply.text)] if held and reply.text else []
    if reply.finish == "unknown":
        return shown
    added = phrases_to_add(reply.turn.question, reply.text, policy)
    if added:
        reply.trace.record["added"] = added
    return [*shown, *(event for text in added for event in reply.add(text))]


def with_phrases(answer: Answer, question: str, policy: AnswerPolicy) -> Answer:
    """Return an answer that was given before with what the tenant wants added now."""
    added = phrases_to_add(question, answer.text, policy)
    return replace(answer, text=BREAK.join([answer.text, *added])) if added else answer


async def withhold(written: AsyncIterator[Event], language: str) -> AsyncIterator[Event]:
    """Pass on all but the text of a reply that is checked before it is shown, with a sign of life while it grows."""
    told = -TELL_EVERY
    async for event in written:
        if not isinstance(event, Delta | Reset):
            yield event
        elif time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            yield Step("checking", phrase(language, "checking"))


async def judge(reply: Reply, *, closely: bool = True) -> None:
    """Find out what of an answer its passages support, and how sure it is; `closely` takes 4 ms more a sentence."""
    support = check_citations(reply.text, reply.filter.numbers, reply.passages).support
    if reply.provider and reply.provider.model == EXTRACTIVE:  # its words are the passages' own
        grounding = _grounding(reply, embed=False)
    else:
        grounding, suspicious = await in_thread(_read, reply, closely=closely)
        reply.trace.record["suspicious_passages"] = suspicious
    reply.grounding = grounding
    reply.trace.record["grounding"] = grounding.record() | {"closely": closely}
    reply.trace.event("grounding")
    if reply.found:
        reply.sure = confidence(
            reply.found, support, grounding=grounding.share, finish=reply.finish, degraded=reply.degraded
        )
        if reply.grounded:
            reply.sure = max(reply.sure, RECORD_CONFIDENCE)


def _read(reply: Reply, *, closely: bool) -> tuple[Grounding, list[dict[str, object]]]:
    return _grounding(reply, embed=closely), suspicious_passages([passage.text for passage in reply.passages])


def _grounding(reply: Reply, *, embed: bool) -> Grounding:
    return check_grounding(reply.text, reply.filter.numbers, reply.passages, cited_only=reply.grounded, embed=embed)


def fate_of(reply: Reply, policy: AnswerPolicy) -> Fate | None:
    """Return what takes an answer's place; None for one that stands."""
    language = spoken_language(reply)
    if reply.finish == "unknown" or reply.grounding is None:
        return None
    if policy.hold_ungrounded and reply.grounding.unsupported:
        return Fate("ungrounded", "held", phrase(language, "held"), handover="policy_restriction")
    if reply.grounded or reply.sure is None or reply.sure >= policy.min_confidence:
        return None
    replaced = {
        BelowThreshold.ASK: Fate("confidence", "ask", phrase(language, "ask_more", missing=missing(reply))),
        BelowThreshold.REFUSE: Fate("confidence", "refuse", _unknown(reply, language), finish="unknown"),
        BelowThreshold.HANDOVER: Fate(
            "confidence", "handover", phrase(language, "passed_on"), handover="missing_knowledge"
        ),
    }
    return replaced.get(BelowThreshold(policy.below))


def _unknown(reply: Reply, language: str) -> str:
    return phrase(language, "unknown", tenant=reply.turn.tenant_name)


def spoken_language(reply: Reply) -> str:
    """Return the language of the question if the agent speaks it, else the tenant's."""
    language = detect_language([reply.turn.question], reply.turn.language)
    return language if language in PHRASES else reply.turn.language


def missing(reply: Reply) -> str:
    """Return what the customer could tell: what is meant by words that no passage holds, or the particulars."""
    language = spoken_language(reply)
    held = content_words(" ".join(" ".join((p.title, *p.heading_path, p.full_text)) for p in reply.passages))
    words = WORD.findall(reply.turn.question)
    unknown = [word for word in dict.fromkeys(words) if (stems := content_words(word)) and not stems & held]
    if not unknown:
        return phrase(language, "missing")
    return phrase(language, "missing_words", words=", ".join(unknown[:MISSING_WORDS]))


def replace_text(reply: Reply, text: str, *, reason: str, held: bool) -> list[Event]:
    """Put `text` in the place of all that a reply said; its sources go with it."""
    before, reply.text, reply.settled = reply.text, "", ""
    reply.filter.numbers.clear()
    reset: list[Event] = [] if held or not before else [Reset(reason)]
    return [*reset, *reply.add(text)]
