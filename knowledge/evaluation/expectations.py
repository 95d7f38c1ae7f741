"""What a question should find: documents, or passages of them by words that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.files import relevance_of
from knowledge.evaluation.rankings import DEPTH
from knowledge.models import Document
from knowledge.queries import live_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knowledge.evaluation.rankings import Ranking

BAR = " | "  # between a document and its quote, where people write them
MOST = 100  # expectations of one question
LONGEST_QUOTE = 2_000  # characters
LONGEST_ID = 500


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing to be found: a document, by the id given at ingestion, or the passage of it that holds `quote`."""

    document: str
    quote: str = ""
    relevance: float = 1.0

    @classmethod
    def of(cls, value: object, at: str) -> Expected:
        """From what a file or a row has: an id, or {document, quote, relevance}.

        Raises:
            EvaluationError: it is something else; begins with `at`.
        """
        if isinstance(value, str | int) and not isinstance(value, bool):
            value = {"document": str(value)}
        if not isinstance(value, dict):
            raise EvaluationError(f"{at}: what is expected is the id of a document, or {{document, quote}}.")
        document, quote = value.get("document"), value.get("quote") or ""
        document = str(document) if isinstance(document, int) and not isinstance(document, bool) else document
        if not isinstance(document, str) or not document.strip():
            raise EvaluationError(f"{at}: document is missing.")
        if not isinstance(quote, str):
            raise EvaluationError(f"{at}: quote must be a text.")
        relevance = relevance_of(value.get("relevance", 1), at)
        return cls(document.strip(), quote.strip(), relevance).checked(at)

    def checked(self, at: str) -> Expected:
        """The same; raises EvaluationError where it is too long, or not relevant at all."""
        if len(self.document) > LONGEST_ID:
            raise EvaluationError(f"{at}: the id of a document has at most {LONGEST_ID} characters.")
        if len(self.quote) > LONGEST_QUOTE:
            raise EvaluationError(f"{at}: a quote has at most {LONGEST_QUOTE:,} characters.")
        if self.relevance <= 0:
            raise EvaluationError(f"{at}: relevance must be more than 0.")
        return self

    @property
    def key(self) -> str:
        """What tells it from the others of its question."""
        return f"{self.document}{BAR}{folded(self.quote)}" if self.quote else self.document

    def as_row(self) -> dict[str, Any]:
        """As `EvaluationCase.expected` has it."""
        row: dict[str, Any] = {"document": self.document}
        if self.quote:
            row["quote"] = self.quote
        return row if self.relevance == 1 else row | {"relevance": self.relevance}

    def as_line(self) -> str:
        """As people write it: the id, and after a bar the quote."""
        return f"{self.document}{BAR}{' '.join(self.quote.split())}" if self.quote else self.document


def folded(text: str) -> str:
    """A text as quotes are compared: white space and case apart."""
    return " ".join(text.casefold().split())


def expectations(values: object, at: str) -> list[Expected]:
    """A list from a file or a row, each once; raises EvaluationError, which begins with `at`, where it is none."""
    if not isinstance(values, list):
        raise EvaluationError(f"{at}: what is expected must be a list.")
    found = list({expected.key: expected for expected in (Expected.of(value, at) for value in values)}.values())
    if len(found) > MOST:
        raise EvaluationError(f"{at}: at most {MOST} things can be expected of one question.")
    return found


def from_lines(text: str) -> list[Expected]:
    """What people wrote, one a line: the id of a document, and where its passage matters a bar and words of it.

    Raises:
        EvaluationError: a line is too long, or there are too many.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        document, bar, quote = line.partition("|")
        if line.strip() and not document.strip():
            raise EvaluationError(f"Line {number}: the id of a document is missing before the bar.")
        if line.strip():
            rows.append({"document": document, "quote": quote if bar else ""})
    return expectations(rows, "What should be found")


def usable(wanted: Iterable[Expected], known: Collection[str]) -> tuple[list[Expected], list[str]]:
    """What can be found at all, and the ids of documents that cannot: they are gone, not live, or not valid today."""
    wanted = list(wanted)
    gone = list(dict.fromkeys(expected.document for expected in wanted if expected.document not in known))
    return [expected for expected in wanted if expected.document in known], gone


def findable(ids: Iterable[str], drafts: Sequence[int] = ()) -> set[str]:
    """Those of the ids whose documents can be found today, or with these drafts; needs the tenant's scope."""
    ids = list(ids)
    live = set(live_documents().filter(external_id__in=ids).values_list("external_id", flat=True))
    if drafts:
        coming = Document.objects.filter(versions__in=drafts, external_id__in=ids)
        live |= set(coming.values_list("external_id", flat=True))
    return live


def places(ranking: Ranking, wanted: Sequence[Expected]) -> dict[str, int]:
    """The place, from 1, of each thing wanted that was found, by its key.

    Without quotes places are those of documents, each counted once, as in the command's judgements. With one they are
    those of passages: the first that holds the quote, or, of a document without one, the first of its passages.
    """
    if not any(expected.quote for expected in wanted):
        ids = {expected.document: expected.key for expected in wanted}
        return {ids[document]: at for at, document in enumerate(ranking.documents, 1) if document in ids}
    found: dict[str, int] = {}
    for at, passage in enumerate(ranking.passages[:DEPTH], 1):
        text = folded(passage.text)
        for expected in wanted:
            if expected.document == passage.document and folded(expected.quote) in text:
                found.setdefault(expected.key, at)
    return found


def relevances(wanted: Iterable[Expected]) -> Mapping[str, float]:
    """How relevant each thing is, by its key."""
    return {expected.key: expected.relevance for expected in wanted}
