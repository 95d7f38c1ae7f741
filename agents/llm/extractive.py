"""The answerer that needs no model: quotes the sentences that answer, or says that it does not know."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.confidence import ANSWERABLE
from agents.extraction.answer import compose
from agents.guardrails.output import UNKNOWN_MARK
from agents.llm.base import Chunk, Finished, LLMError, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.llm.base import Evidence, Message, Options, ToolSpec
    from knowledge.retrieval.search import Part, SearchResult

WORDS_A_DELTA = 6
WORD_GROUP = re.compile(rf"(?:\s*\S+){{1,{WORDS_A_DELTA}}}\s*")


class Extractive:
    """A provider whose answers are the documents' own words. It ignores the messages and reads `Options.evidence`."""

    name = "extractive"
    model = "extractive"

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Stream the quotation in word groups; see `agents.llm.base.Provider`."""
        del messages, tools
        evidence = options.evidence
        if evidence is None:
            raise LLMError("no evidence to quote from", kind="configuration", retryable=False)
        text = "" if evidence.weak else answer(evidence)
        yield Usage(0, 0, estimated=False)
        for group in WORD_GROUP.findall(text or f"[{UNKNOWN_MARK}]"):
            yield TextDelta(group)
        yield Finished("stop" if text else "unknown")


def answer(evidence: Evidence) -> str:
    """Return the answer in the documents' own words: a curator's as it stands, else sentences for each part asked."""
    result = evidence.result
    if result.curated:
        return f"{result.curated.answer} [1]"
    answers = [
        "".join(compose(replace(evidence, question=part.text, result=_for_part(result, part))))
        for part in result.parts
        if part.answerability >= ANSWERABLE
    ]
    return "\n\n".join(dict.fromkeys(text.strip() for text in answers if text)) or "".join(compose(evidence))


def _for_part(result: SearchResult, part: Part) -> SearchResult:
    return replace(result, query=part.text, encoding=part.encoding)
