"""Documents, their versions, and the chunks that retrieval finds.

Retrievable is an enabled chunk of the current version of a live document that is valid today; `knowledge.queries` says
it once. A document becomes live only in the transaction that writes all of its chunks and vectors; the database itself
refuses a live document without a current version.
"""

import secrets
from pathlib import PurePath

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import HotTenantOwned, TenantOwned

FINISHED = 100  # percent


class Document(HotTenantOwned):
    """One source of knowledge, whatever its versions."""

    class State(models.TextChoices):
        """What the curator wants: drafts and archived documents never answer."""

        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        ARCHIVED = "archived", _("Archived")

    external_id = models.CharField(
        _("id"), max_length=500, help_text=_("The id given at ingestion: adding the same id again makes a new version.")
    )
    title = models.CharField(
        max_length=300,
        blank=True,
        help_text=_("Empty: the one the file gives. A new title has the document read again."),
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT, editable=False)
    language = models.CharField(
        max_length=35, blank=True, help_text=_("Such as en or pt-BR; empty: what the file says.")
    )
    category = models.CharField(max_length=80, blank=True)
    audience = models.CharField(
        max_length=80, blank=True, help_text=_("Whom it is for, such as customers or partners.")
    )
    product = models.CharField(
        max_length=80, blank=True, help_text=_("What it is about, such as a product's number; empty: nothing special.")
    )
    source_url = models.URLField(_("source address"), max_length=2000, blank=True)
    valid_from = models.DateField(null=True, blank=True, help_text=_("The first day it may answer (UTC)."))
    valid_until = models.DateField(null=True, blank=True, help_text=_("The last day it may answer (UTC)."))
    metadata = models.JSONField(default=dict, blank=True, editable=False)
    # Deletion takes versions and document together, in one transaction: the deferred constraint checks at its end.
    current = models.ForeignKey(
        "DocumentVersion", on_delete=models.DO_NOTHING, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_id"], name="one_document_per_id"),
            models.CheckConstraint(condition=~Q(state="live") | Q(current__isnull=False), name="live_has_a_version"),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lte=models.F("valid_until")),
                name="valid_from_before_until",
                violation_error_message=_("“Valid until” is before “valid from”."),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state"], name="document_by_state"),
            models.Index(fields=["tenant", "-updated_at"], name="document_by_change"),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id


def version_path(version: "DocumentVersion", filename: str) -> str:
    """Where an uploaded file is kept, under MEDIA_ROOT: an unguessable name in the tenant's folder."""
    return f"{version.tenant_id}/{secrets.token_urlsafe(24)}{PurePath(filename).suffix.lower()[:12]}"


class DocumentVersion(HotTenantOwned):
    """One state of a document's content: a file or a text, and what was read from it."""

    class State(models.TextChoices):
        """How far ingestion is."""

        QUEUED = "queued", _("Waiting")
        READING = "reading", _("Reading")
        EMBEDDING = "embedding", _("Embedding")
        LIVE = "live", _("Ready")
        FAILED = "failed", _("Failed")
        SUPERSEDED = "superseded", _("Superseded")
        HELD = "held", _("Waits for its release")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.FileField(upload_to=version_path, null=True, blank=True, max_length=200)
    filename = models.CharField(max_length=255, blank=True)
    url = models.URLField(max_length=2000, blank=True, help_text=_("The address that the file is fetched from."))
    content_hash = models.CharField(
        max_length=64, blank=True, help_text=_("SHA-256 of what was given; empty until an address was fetched.")
    )
    markdown = models.TextField(blank=True)
    pages = models.JSONField(default=list, help_text=_("Where each page begins in the Markdown."))
    publish = models.BooleanField(default=True, help_text=_("A draft goes live when this version is ready."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(FINISHED)])
    error = models.TextField(blank=True)
    reader = models.PositiveSmallIntegerField(default=0, help_text=_("The `READER` that read it last."))
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often a worker began; the last to begin is the only one whose results count.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="one_version_per_number")]
        indexes = [
            models.Index(fields=["tenant", "content_hash"], name="version_by_hash"),
            models.Index(fields=["tenant", "state"], name="version_by_state"),
        ]
        ordering = ["-number"]

    #: States in which a worker still has something to do.
    IN_WORK = (State.QUEUED, State.READING, State.EMBEDDING)

    def __str__(self) -> str:
        return f"{self.document} (version {self.number})"

    @property
    def in_work(self) -> bool:
        return self.state in self.IN_WORK


class ChunkKind(models.TextChoices):
    """What a passage is made of."""

    PROSE = "prose", _("Text")
    TABLE = "table", _("Table")
    CODE = "code", _("Code")
    IMAGE = "image", _("Picture")
    ANSWER = "answer", _("Question and answer")


class Chunk(TenantOwned):
    """A passage of one version: what retrieval finds and answers cite. Spans are offsets in the version's Markdown."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    kind = models.CharField(max_length=8, choices=ChunkKind.choices, default=ChunkKind.PROSE)
    found_by = models.TextField(
        blank=True, help_text=_("What it is found by beside its text: a table's header, a picture's caption.")
    )
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading_path = models.JSONField(default=list)
    page = models.PositiveIntegerField(null=True)
    parent_start = models.PositiveIntegerField()
    parent_end = models.PositiveIntegerField()
    sentences = models.JSONField(default=list, help_text=_("[start, end] of each sentence in the text."))
    enabled = models.BooleanField(default=True, help_text=_("Off: this passage is never found."))

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="one_chunk_per_ordinal")]
        ordering = ["version", "ordinal"]

    def __str__(self) -> str:
        return f"{self.document} #{self.ordinal + 1}"
