"""The answerer that needs no model: quotes the sentences that answer, or says that it does not know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.extraction.answer import compose
from agents.guardrails.output import UNKNOWN_MARK
from agents.llm.base import Chunk, Finished, LLMError, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.llm.base import Message, Options, ToolSpec

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
        text = "" if evidence.weak else "".join(compose(evidence))
        yield Usage(0, 0, estimated=False)
        for group in WORD_GROUP.findall(text or f"[{UNKNOWN_MARK}]"):
            yield TextDelta(group)
        yield Finished("stop" if text else "unknown")
