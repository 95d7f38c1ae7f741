"""A change brought live, whichever kind it is. Everything here needs the tenant's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from agents.models import PromptVersion
from agents.prompts import versions
from knowledge import publishing, reembedding, releasing
from knowledge.changes import record_change, record_search_change
from knowledge.models import Document, DocumentVersion, SearchSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from knowledge.models import Release

GONE = "What was to go live is gone."


class CannotGoLiveError(Exception):
    """A change cannot be brought live; `str()` is a sentence for whoever wanted it."""


def candidate_of(release: Release) -> dict[str, Any]:
    """What the candidate's run differs in: the `EvaluationRun.candidate` of a release."""
    change = release.change
    if "documents" in change:
        return {"drafts": [version.pk for version in releasing.still_to_come(release)]}
    return {key: change[key] for key in ("prompt", "embedding", "weights") if key in change}


def bring_live(release: Release, *, actor: str) -> None:
    """Do what a release is about.

    Raises:
        CannotGoLiveError: it cannot be done (any more).
    """
    for key, step in _STEPS.items():
        if key in release.change:
            step(release, actor)
            return
    raise CannotGoLiveError(GONE)


def _documents(release: Release, actor: str) -> None:
    del actor
    ids = [version.pk for version in releasing.still_to_come(release)]
    list(Document.objects.filter(versions__in=ids).order_by("pk").select_for_update().values_list("pk"))
    ready = [version for version in releasing.still_to_come(release) if not version.in_work]
    if release.change.get("restore"):
        documents = [version.document for version in ready]
        wanted = [document.pk for document in documents]
        Document.objects.filter(pk__in=wanted).update(state=Document.State.LIVE)
        record_change(wanted)
        return
    DocumentVersion.objects.filter(pk__in=[v.pk for v in ready]).update(state=DocumentVersion.State.LIVE)
    publishing.make_current(newest(ready))


def newest(ready: list[DocumentVersion]) -> list[DocumentVersion]:
    """One version a document, the latest."""
    return list({version.document_id: version for version in sorted(ready, key=lambda v: v.number)}.values())


def _prompt(release: Release, actor: str) -> None:
    row = PromptVersion.objects.filter(pk=release.change["prompt"]).first()
    if row is None:
        raise CannotGoLiveError("The prompt was deleted.")
    try:
        versions.publish(version=row, actor=actor)
    except ValidationError as error:
        raise CannotGoLiveError(" ".join(error.messages)) from error


def _weights(release: Release, actor: str) -> None:
    del actor
    weights: Mapping[str, Any] = release.change["weights"]
    row = SearchSettings.objects.select_for_update().first() or SearchSettings()
    row.dense_weight, row.rerank_weight = weights.get("dense"), weights.get("rerank")
    row.diversity = weights.get("diversity", row.diversity)
    row.save()
    record_search_change()


def _embedding(release: Release, actor: str) -> None:
    try:
        reembedding.serve(release.change["embedding"], actor=actor)
    except reembedding.CannotSwitchError as error:
        raise CannotGoLiveError(str(error)) from error


_STEPS: dict[str, Callable[[Release, str], None]] = {
    "documents": _documents,
    "prompt": _prompt,
    "weights": _weights,
    "embedding": _embedding,
}
