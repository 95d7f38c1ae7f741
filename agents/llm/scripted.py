"""A provider that says what a test or a demo tells it to, in process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.llm.base import Chunk, Finished, LLMError, TextDelta, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.llm.base import Message, Options, ToolSpec


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds of silence in a script."""

    seconds: float


ScriptStep = Chunk | Pause | LLMError | str


class Scripted:
    """Plays one script a call, the last one again when there are no more; `calls` keeps what it was asked."""

    def __init__(self, *scripts: Sequence[ScriptStep], name: str = "scripted", model: str = "scripted") -> None:
        """Take scripts of text, chunks, pauses and errors; a script without `Finished` is cut short."""
        self.name = name
        self.model = model
        self.calls: list[tuple[Message, ...]] = []
        self.closed = 0
        """How many streams have been left, by end, error or cancellation."""
        self._scripts = scripts

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Play the next script; see `agents.llm.base.Provider`."""
        del tools, options
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        self.calls.append(tuple(messages))
        try:
            for step in script:
                if isinstance(step, LLMError):
                    raise step
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                else:
                    yield TextDelta(step) if isinstance(step, str) else step
        finally:
            self.closed += 1


def says(text: str, *, usage: Usage | None = None) -> list[ScriptStep]:
    """Return the script of a complete answer, word by word."""
    words: list[ScriptStep] = list(text.replace(" ", " \0").split("\0"))
    return [*words, *([usage] if usage else []), Finished("stop")]
