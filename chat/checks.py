"""What was noticed of a message and of its answer, arranged for a reviewer's eyes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.models import Conversation, Message, Role

HELD = "held"
SPAN = 4  # start, end, score, why
WHY = {
    "number": "a number that no cited passage holds",
    "unit": "another unit than the passage",
    "name": "a name that no cited passage holds",
}
BECAME = {
    "ask": "The customer was asked to say more instead.",
    "refuse": "The customer was told that the assistant does not know.",
    "handover": "A person was called instead.",
    HELD: "It waits for a person: whoever takes the conversation over can send it from the inbox.",
}
WITHDRAWN = {
    "confidence": "Its confidence was below the one that answers need.",
    "ungrounded": "Not every sentence stands in a cited passage.",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of an answer; `why` says what of it is in no passage, where that is known."""

    text: str
    supported: bool
    why: str


@dataclass(frozen=True, slots=True)
class Checks:
    """Everything that was noticed.

    Attributes:
        careful: the message looks like an attempt to turn the assistant; `injection` is how much (0..1).
        reasons, abuse: what of it.
        passages: numbers of passages that hold instructions.
        blocked: the topic that was refused.
        sentences: those of the answer that claim something; `supported` is the share (0..1) that a passage supports.
        withdrawn: the answer that the customer did not get, with why and what became of it.
        added: sentences that the tenant requires.
    """

    careful: bool
    injection: float
    reasons: tuple[str, ...]
    abuse: tuple[str, ...]
    passages: tuple[int, ...]
    blocked: str
    sentences: tuple[Checked, ...]
    supported: float | None
    withdrawn: str
    withdrawn_why: str
    added: tuple[str, ...]

    @property
    def unsupported(self) -> int:
        """How many sentences no cited passage supports."""
        return sum(not sentence.supported for sentence in self.sentences)


def checks_of(trace: Mapping[str, Any], text: str) -> Checks:
    """Arrange what a trace says of checks; `text` is the reply's."""
    noticed, grounding, withdrawn = (_mapping(trace.get(name)) for name in ("input", "grounding", "withdrawn"))
    told = str(withdrawn.get("text") or "")
    why = f"{WITHDRAWN.get(str(withdrawn.get('why')), '')} {BECAME.get(str(withdrawn.get('becomes')), '')}".strip()
    share = grounding.get("share")
    return Checks(
        careful=bool(noticed.get("careful")),
        injection=_number(noticed.get("injection")),
        reasons=_texts(noticed.get("reasons")),
        abuse=_texts(noticed.get("abuse")),
        passages=tuple(int(_number(found.get("n"))) for found in _list(trace.get("suspicious_passages"))),
        blocked=str(trace.get("blocked") or ""),
        sentences=tuple(_sentences(grounding, told or text)),
        supported=_number(share) if share is not None else None,
        withdrawn=told,
        withdrawn_why=why if told else "",
        added=_texts(trace.get("added")),
    )


def held_answer(conversation: Conversation) -> str:
    """The answer that was held back from the customer last, while nobody has written since; empty for none."""
    spoken = Message.objects.filter(conversation=conversation, role__in=[Role.ASSISTANT, Role.PERSON])
    latest = spoken.order_by("-created_at").values("role", "trace__withdrawn").first()
    withdrawn = _mapping(latest and latest["role"] == Role.ASSISTANT and latest["trace__withdrawn"])
    return str(withdrawn.get("text") or "") if withdrawn.get("becomes") == HELD else ""


def _sentences(grounding: Mapping[str, Any], text: str) -> list[Checked]:
    unsupported = set(grounding.get("unsupported") or ())
    spans = grounding.get("statements") or []
    return [
        Checked(text[span[0] : span[1]], number not in unsupported, WHY.get(str(span[3]), ""))
        for number, span in enumerate(spans)
        if isinstance(span, list) and len(span) == SPAN
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
