"""All that an answer depends on but its question, as one digest: where any of it changes, older answers are dead."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Max, Q

from knowledge.embedding.base import get_embedder
from knowledge.models import Document
from knowledge.queries import knowledge_version, today

if TYPE_CHECKING:
    import datetime as dt

    from agents.context import Turn
    from agents.preparation import Prepared

FORM = 1
"""Raise it when what is stored, or how questions are compared, changes its form."""
AUDIENCE = ""
"""What the search of a turn is filtered by: nothing yet."""
SHAPING = ("min_confidence", "below", "hold_ungrounded", "redact", "blocked_topics", "required_phrases", "tone")
"""Fields of `AnswerPolicy` that change what is answered."""


class Knowledge(NamedTuple):
    """The state of a tenant's documents: their version, and the last day on which one began or ceased to be valid."""

    version: int
    boundary: str


def base_of(turn: Turn, prepared: Prepared) -> str:
    """Return the digest of what is known without the database: everything but the documents."""
    models = [(model.base_url, model.model) for model in (prepared.models.primary, prepared.models.strong) if model]
    return _digest(
        FORM, turn.tenant_id, prepared.prompts.version, models, turn.language, AUDIENCE, get_embedder().name,
        turn.tenant_name, prepared.acts, [getattr(prepared.answers, name) for name in SHAPING],
    )  # fmt: skip


def scope_of(base: str, knowledge: Knowledge) -> str:
    """Return the scope of answers given now."""
    return _digest(base, *knowledge)


def read_knowledge() -> Knowledge:
    """Return the state of the documents of the tenant in scope."""
    return Knowledge(knowledge_version(), _last_boundary(today()))


def _last_boundary(day: dt.date) -> str:
    """Return the last day that made another set of documents valid without a new version."""
    found = Document.objects.aggregate(
        begun=Max("valid_from", filter=Q(valid_from__lte=day)), over=Max("valid_until", filter=Q(valid_until__lt=day))
    )
    return max((moment.isoformat() for moment in found.values() if moment), default="")


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
