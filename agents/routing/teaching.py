"""Changes to a tenant's intents and their examples, and what intents there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from agents.models import ExampleSource, Intent, IntentExample, IntentModel
from agents.routing import builtin
from agents.tasks import enqueue_fit
from tenants.scope import current_tenant_id
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PASTED = 5000
"""Lines that one request adds."""
MAX_LENGTH = 500
"""Characters of an example; the rest of a longer one is dropped."""


def available_intents() -> dict[str, str]:
    """Name and description of every intent of the tenant in scope that is on, built-in ones first."""
    own = {intent.name: intent for intent in Intent.objects.all()}
    off = {name for name, intent in own.items() if not intent.enabled}
    named = {name: text for name, text in builtin.DESCRIPTIONS.items() if name not in off}
    return named | {name: own[name].description or named.get(name, "") for name in own.keys() - off}


def taught_intent(text: str) -> str:
    """The intent that the tenant in scope was taught for exactly this text; empty when it was taught none."""
    names = IntentExample.objects.filter(text=_clean(text)).order_by("-pk").values_list("intent__name", flat=True)
    return names.first() or ""


@transaction.atomic
def add_example(
    *, intent: str, text: str, actor: str, source: ExampleSource = ExampleSource.REVIEWER, language: str = ""
) -> IntentExample:
    """Teach the tenant in scope that `text` wants `intent`; what said otherwise before is moved, so a correction holds.

    Raises:
        ValidationError: there is no such intent, or the text is empty.
    """
    example: IntentExample | None = None
    wanted = _known(intent)
    cleaned = _clean(text)
    if cleaned:
        IntentExample.objects.filter(text=cleaned).exclude(intent=wanted).delete()
        example, _ = IntentExample.objects.get_or_create(
            intent=wanted, text=cleaned, defaults={"source": source, "language": language[:12]}
        )
    if example is None:
        raise ValidationError("Write what the customer said.")
    # The trail lasts, so it does not hold what a customer wrote.
    record_audit(
        actor=actor, action="intent.taught", target=wanted.name, detail={"example": example.pk, "source": source}
    )
    enqueue_fit(current_tenant_id())
    return example


@transaction.atomic
def add_examples(*, intent: Intent, texts: Sequence[str], actor: str) -> int:
    """Add many examples to an intent of the tenant in scope; returns how many are new.

    Raises:
        ValidationError: there are too many of them.
    """
    cleaned = dict.fromkeys(filter(None, map(_clean, texts)))
    if len(cleaned) > MAX_PASTED:
        raise ValidationError(f"Add at most {MAX_PASTED} examples at once.")
    known = set(IntentExample.objects.filter(intent=intent, text__in=list(cleaned)).values_list("text", flat=True))
    new = [
        IntentExample(tenant_id=current_tenant_id(), intent=intent, text=text) for text in cleaned if text not in known
    ]
    IntentExample.objects.bulk_create(new, batch_size=1000, ignore_conflicts=True)
    if new:
        record_audit(actor=actor, action="intent.taught", target=intent.name, detail={"examples": len(new)})
        enqueue_fit(current_tenant_id())
    return len(new)


@transaction.atomic
def forget_corrections(*, texts: Iterable[str]) -> int:
    """Delete the examples that reviewers made of these messages, and the classifier that remembers them.

    Returns:
        How many examples were deleted.
    """
    cleaned = {_clean(text) for text in texts}
    examples = IntentExample.objects.filter(source=ExampleSource.REVIEWER, text__in=cleaned)
    deleted: int = examples.delete()[0]
    if deleted:
        IntentModel.objects.all().delete()
        enqueue_fit(current_tenant_id())
    return deleted


@transaction.atomic
def save_intent(*, intent: Intent, actor: str) -> Intent:
    """Store an intent of the tenant in scope, new or changed."""
    action = "intent.changed" if intent.pk else "intent.added"
    intent.save()
    record_audit(actor=actor, action=action, target=intent.name, detail={"enabled": intent.enabled})
    enqueue_fit(current_tenant_id())
    return intent


@transaction.atomic
def delete_intents(*, intents: Sequence[Intent], actor: str) -> int:
    """Delete intents of the tenant in scope with their examples; built-in ones fall back to what is built in."""
    for intent in intents:
        record_audit(actor=actor, action="intent.deleted", target=intent.name)
    Intent.objects.filter(pk__in=[intent.pk for intent in intents]).delete()
    enqueue_fit(current_tenant_id())
    return len(intents)


def _known(name: str) -> Intent:
    intent: Intent | None = Intent.objects.filter(name=name).first()
    if intent is None and name in builtin.DESCRIPTIONS:
        intent = Intent.objects.create(name=name)
    if intent is None:
        raise ValidationError(f"There is no intent “{name}”.")
    return intent


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())[:MAX_LENGTH]
