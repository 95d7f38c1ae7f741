"""The account of a reply, arranged for a reviewer's eyes. Traces grow with the agent: what is missing is left out."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from agents.models import Action, ToolCall
from knowledge.retrieval.scores import SCORES

PATH = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "  # between the headings above a passage
#: What happened, by the name an event has in the trace: how it is called, and its picture.
EVENTS = {
    "input": ("Input checked", "shield"),
    "route": ("Intent found", "target"),
    "intent": ("Intent found", "target"),
    "rewrite": ("Question understood", "quote"),
    "search": ("Documents searched", "search"),
    "rerank": ("Passages ranked", "sort"),
    "first token": ("First words", "chat"),
    "answer": ("Answer written", "chat"),
    "fallback": ("Another model took over", "retry"),
    "citations": ("Citations checked", "check"),
    "grounding": ("Sentences checked against their sources", "check"),
}
REWRITERS = {
    "unchanged": "It stands by itself",
    "topic": "The topic carried over from before",
    "model": "Written anew by the model",
}
SEARCHED = {
    "faiss": " in memory",
    "pgvector": " in PostgreSQL",
    "qdrant": " in Qdrant",
    "words": " by words alone",
    "trial": " in a trial",
}
"""Index names as `knowledge.retrieval.finding` gives them."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of how a reply came about; `start` and `share` are parts 0..1 of the whole time, `ms` its own."""

    label: str
    detail: str
    icon: str
    start: float
    share: float
    ms: float


@dataclass(frozen=True, slots=True)
class Score:
    """A partial score: its value as retrieval gave it, and 0..1 of the highest among the passages, for a bar."""

    label: str
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that the agent was given."""

    n: int
    title: str
    where: str
    text: str
    link: str
    cited: bool
    scores: tuple[Score, ...]
    total: Score


@dataclass(frozen=True, slots=True)
class Call:
    """A tool the agent used, and what the tool told it; `error` is empty when it went well."""

    name: str
    arguments: str
    result: str
    error: str
    ms: float


@dataclass(frozen=True, slots=True)
class Change:
    """A change that the reply proposed, and how far it came."""

    summary: str
    tool: str
    state: str
    outcome: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a reviewer reads about how one reply came about."""

    rewritten: str
    happenings: tuple[Happening, ...]
    total_ms: float
    hits: tuple[Hit, ...]
    prompt: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


def account_of(trace: Mapping[str, Any], citations: Sequence[Mapping[str, Any]], slug: str) -> Account:
    """Arranges a trace; `citations` are those of the reply, `slug` the tenant's, for links to the documents."""
    events = _mappings(trace.get("events"))
    rewritten = str(trace.get("rewritten") or "")
    return Account(
        rewritten=rewritten if rewritten != trace.get("question") else "",
        happenings=_happenings(events, trace),
        total_ms=_end(events),
        hits=_hits(_mappings(trace.get("passages")), citations, slug),
        prompt=tuple(
            (str(message.get("role", "")), str(message.get("content", "")))
            for message in _mappings(trace.get("prompt") or trace.get("messages"))
        ),
        facts=_facts(trace),
    )


def calls_of(reply: uuid.UUID) -> list[Call]:
    """The tools that a reply used, in order. Needs the tenant's scope."""
    made = ToolCall.objects.filter(reply=reply)
    return [Call(call.name, _readable(call.arguments), call.result, call.error, call.ms) for call in made]


def changes_of(reply: uuid.UUID) -> list[Change]:
    """The changes that a reply proposed, as they stand now. Needs the tenant's scope."""
    return [
        Change(action.summary, action.tool, str(action.get_state_display()), action.outcome, action.decided_by)
        for action in Action.objects.filter(reply=reply)
    ]


def _readable(arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False, indent=2)


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _span(event: Mapping[str, Any], before: float) -> tuple[float, float]:
    """When an event began and how long it took, milliseconds; one that tells only its end began at the last end."""
    at = _number(event.get("ms"))
    if "start_ms" in event:
        return _number(event["start_ms"]), at
    return before, max(0.0, at - before)


def _spans(events: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for event in events:
        spans.append(_span(event, sum(spans[-1]) if spans else 0.0))
    return spans


def _end(events: Sequence[Mapping[str, Any]]) -> float:
    return max((begin + length for begin, length in _spans(events)), default=0.0)


def _happenings(events: Sequence[Mapping[str, Any]], trace: Mapping[str, Any]) -> tuple[Happening, ...]:
    whole = _end(events) or 1.0
    return tuple(
        _happening(event, begin, length, whole, trace)
        for event, (begin, length) in zip(events, _spans(events), strict=True)
    )


def _happening(
    event: Mapping[str, Any], begin: float, length: float, whole: float, trace: Mapping[str, Any]
) -> Happening:
    kind = str(event.get("kind") or event.get("event") or "")
    label, icon = EVENTS.get(kind, (kind.replace("_", " ").capitalize() or "Step", "right"))
    return Happening(
        label=str(event.get("label") or label),
        detail=str(event.get("detail") or _detail(kind, trace)),
        icon=icon,
        start=begin / whole,
        share=max(length / whole, 0.01),
        ms=length,
    )


def _detail(kind: str, trace: Mapping[str, Any]) -> str:
    """What the rest of the trace says about an event."""
    if kind == "search" and trace.get("documents"):
        kept = len(_mappings(trace.get("passages")))
        where = SEARCHED.get(str(trace.get("index")), "")
        return f"{trace['documents']} documents searched{where}, {kept} passages kept"
    if kind == "rewrite" and trace.get("rewritten_by"):
        return REWRITERS.get(str(trace["rewritten_by"]), str(trace["rewritten_by"]))
    return ""


def _hits(passages: Sequence[Mapping[str, Any]], citations: Sequence[Mapping[str, Any]], slug: str) -> tuple[Hit, ...]:
    cited = {citation.get("chunk") for citation in citations}
    highest = _highest(passages)
    return tuple(_hit(passage, cited, highest, slug) for passage in passages)


def _highest(passages: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The largest value of each score among the passages, at least 1: a bar is full at 1, or at the best."""
    highest: dict[str, float] = {}
    for passage in passages:
        for name, value in {**(passage.get("scores") or {}), "": passage.get("score")}.items():
            highest[name] = max(highest.get(name, 1.0), _number(value))
    return highest


def _hit(passage: Mapping[str, Any], cited: set[Any], highest: Mapping[str, float], slug: str) -> Hit:
    heading = passage.get("heading") or ""
    where = [heading if isinstance(heading, str) else PATH.join(map(str, heading))]
    if passage.get("page"):
        where.append(f"p. {passage['page']}")
    scores = passage.get("scores") or {}
    return Hit(
        n=int(_number(passage.get("n"))),
        title=str(passage.get("title") or passage.get("document") or "Untitled"),
        where=", ".join(part for part in where if part),
        text=str(passage.get("text", "")),
        link=_link(passage, slug),
        cited=passage.get("chunk") in cited,
        scores=tuple(_score(SCORES.get(name, name), scores[name], highest[name]) for name in sorted(scores, key=_turn)),
        total=_score("Score", passage.get("score"), highest[""]),
    )


def _turn(score: str) -> int:
    """Where a partial score stands; those without a name of ours come last."""
    names = list(SCORES)
    return names.index(score) if score in names else len(names)


def _link(passage: Mapping[str, Any], slug: str) -> str:
    document = passage.get("document_id")
    if not isinstance(document, int):
        return ""
    return f"{reverse('chat:document', args=[slug, document])}?chunk={passage.get('chunk')}#passage"


def _score(label: str, value: object, highest: float) -> Score:
    number = _number(value)
    return Score(label, number, number / highest)


def _facts(trace: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Figures of the trace that have no place of their own."""
    names = {
        "index": "Index",
        "answerability": "Answerability",
        "prompt_version": "Prompt version",
        "degraded": "Stand-in, because",
    }
    found = [(label, str(trace[name])) for name, label in names.items() if trace.get(name)]
    if routing := _routing(trace.get("routing")):
        found.append(("Routing", routing))
    attempts = [str(attempt.get("provider") or attempt.get("model")) for attempt in _mappings(trace.get("attempts"))]
    return (*found, ("Models asked", ", then ".join(attempts))) if attempts else tuple(found)


def _routing(choice: object) -> str:
    """Which of two models a turn went to and why, in words; empty where there was nothing to choose."""
    if not isinstance(choice, Mapping):
        return ""
    names = {"primary": "The primary model", "strong": "The strong model"}
    chosen, would = (names.get(str(choice.get(key)), str(choice.get(key))) for key in ("chosen", "would"))
    why = f"by the rule “{choice['rule']}”" if choice.get("rule") else "no rule fitted"
    if choice.get("economy"):
        return f"{chosen}, because the budget is nearly spent; else {would.lower()}, {why}"
    if choice.get("mode") == "shadow" and chosen != would:
        return f"{chosen}; were routing on, {would.lower()}, {why}"
    return f"{chosen}, {why}" + ("; the strong model went on when tools failed" if choice.get("went_up") else "")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
