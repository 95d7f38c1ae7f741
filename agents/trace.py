"""The account of a turn that reviewers read: what was asked, found, sent and answered, and how long each took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agents import prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.context import Turn
    from agents.events import Answer
    from agents.guardrails.signals import Signals
    from agents.llm.base import LLMError, Message, Provider
    from agents.llm.plan import Choice
    from agents.memory import Rewritten
    from knowledge.retrieval.search import Passage, SearchResult


class Trace:
    """Collects a JSON-able record; event times are milliseconds since the turn began."""

    def __init__(self, turn: Turn) -> None:
        """Start the clock."""
        self._began = time.perf_counter()
        self.record: dict[str, Any] = {
            "question": turn.question,
            "rewritten": turn.question,
            "prompt_version": prompts.VERSION,
            "passages": [],
            "messages": [],
            "events": [],
            "attempts": [],
        }

    def event(self, name: str) -> None:
        """Note that something happened now."""
        self.record["events"].append({"event": name, "ms": self._elapsed()})

    def prompts(self, version: str) -> None:
        """Note which prompts the models of this turn are asked with."""
        self.record["prompt_version"] = version

    def routed(self, choice: Choice | None) -> None:
        """Note which model the turn goes to and why, where there was something to choose."""
        if choice is not None:
            self.record["routing"] = choice.as_record()

    def went_up(self) -> None:
        """Note that the strong model went on in the middle of a turn."""
        self.record["routing"] = {**self.record.get("routing", {}), "went_up": True}

    def rewritten(self, rewritten: Rewritten) -> None:
        """Note the question that is searched for."""
        self.record |= {"rewritten": rewritten.question, "rewritten_by": rewritten.by}
        self.event("rewrite")

    def searched(self, result: SearchResult) -> None:
        """Note what was found."""
        self.record |= {
            "index": result.index,
            "search_ms": round(result.ms, 2),
            "documents": result.documents,
            "answerability": round(result.answerability, 4),
            "corrected": result.corrected,
            "parts": [part.text for part in result.parts],
            "curated": result.curated.wording if result.curated else "",
            "passages": [_passage(number, passage) for number, passage in enumerate(result.passages, 1)],
        }
        self.event("search")

    def prompted(self, messages: Sequence[Message]) -> None:
        """Note what a model is sent."""
        self.record["messages"] = [{"role": message.role, "content": message.content} for message in messages]

    def called(self, name: str, *, ms: float, error: str) -> None:
        """Note that a tool was called; its arguments and result are kept with the call."""
        self.record.setdefault("tools", []).append({"tool": name, "ms": round(ms, 1), "error": error})

    def inspected(self, signals: Signals) -> None:
        """Note what the message showed."""
        self.record["input"] = signals.record()

    def withdrawn(self, text: str, why: str, becomes: str) -> None:
        """Keep an answer that the customer does not get, for reviewers."""
        self.record["withdrawn"] = {"text": text, "why": why, "becomes": str(becomes)}

    def answered(self, answer: Answer, *, provider: str, support: float) -> None:
        """Note what the answer was made with."""
        self.record |= {
            "provider": provider,
            "model": answer.model,
            "usage": {
                "prompt": answer.usage.prompt_tokens,
                "completion": answer.usage.completion_tokens,
                "estimated": answer.usage.estimated,
            },
            "cost": str(answer.cost),
            "finish": answer.finish,
            "confidence": answer.confidence,
            "support": round(support, 3),
        }

    def attempt(self, provider: Provider, after: LLMError | None, *, again: bool = False) -> None:
        """Note that a provider starts, and why the one before it was left or what it is asked again after."""
        attempts = self.record["attempts"]
        if after and again:
            attempts[-1] |= {"retried": after.kind}
            return
        if after:
            self.record["degraded"] = after.kind
            if attempts:
                attempts[-1] |= {"failed": after.kind, "detail": str(after)[:500]}
        attempts.append({"provider": provider.name, "model": provider.model, "ms": self._elapsed()})

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 2)


def _passage(number: int, passage: Passage) -> dict[str, Any]:
    return {
        "n": number,
        "chunk": passage.chunk,
        "document": passage.document,
        "document_id": passage.document_id,
        "title": passage.title,
        "heading": list(passage.heading_path),
        "page": passage.page,
        "span": [passage.start, passage.end],
        "text": passage.text,
        "score": round(float(passage.score), 4),
        "scores": {name: round(float(score), 4) for name, score in passage.scores.items()},
    }
