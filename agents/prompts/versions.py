"""Versions of a tenant's prompts: drafts, what is published, and what was. Everything runs in the tenant's scope."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from agents.models import PromptState, PromptVersion
from agents.prompts import FORMS, Prompts
from agents.prompts.places import problems_of
from knowledge.releasing import gate_is_on, request_release
from tenants.models import Tenant
from tenants.scope import current_tenant_id
from tenants.services import record_audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from knowledge.models import Release

log = logging.getLogger(__name__)


def prompts_of_tenant() -> Prompts:
    """Return the published prompts of the tenant in scope; one that cannot be used leaves its file in place."""
    published = PromptVersion.objects.filter(state=PromptState.PUBLISHED)
    usable = [row for row in published if _usable(row)]
    return Prompts({row.name: row.text for row in usable}, {row.name: row.number for row in usable})


def _usable(row: PromptVersion) -> bool:
    form = FORMS.get(row.name)
    problems = problems_of(row.text, form) if form else ["There is no such prompt."]
    if problems:
        log.error("Prompt %s of tenant %s is not used: %s", row, row.tenant_id, " ".join(problems))
    return not problems


def make_draft(*, name: str, author: User) -> PromptVersion:
    """Begin a draft of a prompt with the text that is in use.

    Raises:
        ValidationError: there is no such prompt.
    """
    return save_draft(name=name, text=prompts_of_tenant().text(_known(name)), note="", author=author)


@transaction.atomic
def save_draft(*, name: str, text: str, note: str, author: User) -> PromptVersion:
    """Keep a new draft of a prompt.

    Raises:
        ValidationError: there is no such prompt, or its text cannot be used; says why.
    """
    text = _checked(name, text)
    _one_at_a_time()
    last = PromptVersion.objects.filter(name=name).aggregate(last=Max("number"))["last"] or 0
    row: PromptVersion = PromptVersion.objects.create(
        name=name, number=last + 1, text=text, note=note, created_by=author
    )
    _told(author.get_username(), "drafted", row)
    return row


@transaction.atomic
def edit_draft(*, version: PromptVersion, text: str, note: str, author: User) -> None:
    """Change a draft; what was published once is never changed.

    Raises:
        ValidationError: it is no draft any more, or its text cannot be used; says why.
    """
    text = _checked(version.name, text)
    rows = PromptVersion.objects.filter(pk=version.pk, state=PromptState.DRAFT)
    if not rows.update(text=text, note=note):
        raise ValidationError("Only drafts can be changed: make a new one.")
    _told(author.get_username(), "edited", version)


@transaction.atomic
def delete_draft(*, version: PromptVersion, author: User) -> None:
    """Throw a draft away; harmless when it is none any more."""
    deleted, _ = PromptVersion.objects.filter(pk=version.pk, state=PromptState.DRAFT).delete()
    if deleted:
        _told(author.get_username(), "deleted", version)


@transaction.atomic
def publish(*, version: PromptVersion, actor: str) -> None:
    """Use a version from now on, a draft or one that was used before; the one in use is retired. Harmless twice.

    Raises:
        ValidationError: its text cannot be used; says why.
    """
    _checked(version.name, version.text)
    _one_at_a_time()
    used = PromptVersion.objects.filter(name=version.name, state=PromptState.PUBLISHED)
    if used.filter(pk=version.pk).exists():
        return
    used.update(state=PromptState.RETIRED)
    row = PromptVersion.objects.get(pk=version.pk)
    action = "published" if row.state == PromptState.DRAFT else "rolled_back"
    row.state, row.published_at = PromptState.PUBLISHED, timezone.now()
    row.save(update_fields=["state", "published_at"])
    _told(actor, action, row)


@transaction.atomic
def request_publication(*, version: PromptVersion, actor: str) -> Release | None:
    """Use a version from now on; with the release gate on, once its release is live. None where it is in use now.

    Raises:
        ValidationError: its text cannot be used; says why.
    """
    _checked(version.name, version.text)
    if not gate_is_on():
        publish(version=version, actor=actor)
        return None
    return request_release(
        change={"prompt": version.pk}, label=f"{FORMS[version.name].title} {version.number}", actor=actor
    )


@transaction.atomic
def use_file(*, name: str, author: User) -> None:
    """Go back to the prompt that comes with Askwell; harmless when it is used already."""
    _one_at_a_time()
    row = PromptVersion.objects.filter(name=name, state=PromptState.PUBLISHED).first()
    if row is not None:
        row.state = PromptState.RETIRED
        row.save(update_fields=["state"])
        _told(author.get_username(), "retired", row)


def _known(name: str) -> str:
    if name not in FORMS:
        raise ValidationError("There is no such prompt.")
    return name


def _checked(name: str, text: str) -> str:
    """The text as it is kept; ValidationError says what is wrong with it."""
    text = text.replace("\r\n", "\n").strip()
    if problems := problems_of(text, FORMS[_known(name)]):
        raise ValidationError(problems)
    return text


def _one_at_a_time() -> None:
    """Keep two people from publishing, or numbering, at once."""
    Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant_id())


def _told(actor: str, what: str, row: PromptVersion) -> None:
    record_audit(actor=actor, action=f"prompt.{what}", target=str(row), detail={"note": row.note})
