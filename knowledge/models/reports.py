"""What curators are told unasked: questions without a passage, documents that age."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.documents import Document
from tenants.models import TenantOwned

MOST_DAYS = 3650


class Gap(TenantOwned):
    """Something customers ask for and the documents do not say: a cluster of questions without a good passage.

    Attributes:
        questions: a list of {text, message, at, evidence}, the latest first; see `knowledge.gaps.Question`.
        centre: float32 [d], the mean of their vectors of `model`, which later questions are compared with.
    """

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", _("Open")
        WRITTEN = "written", _("An article was written")
        DISMISSED = "dismissed", _("Dismissed")

    label = models.CharField(max_length=200)
    questions = models.JSONField(default=list)
    count = models.PositiveIntegerField(default=0)
    centre = models.BinaryField(default=bytes)
    model = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    document = models.ForeignKey(Document, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        ordering = ["-count", "-last_at"]

    def __str__(self) -> str:
        return self.label


class KnowledgeAlert(TenantOwned):
    """Something about a document that a curator should look at; one row a document and kind."""

    class Kind(models.TextChoices):
        """What it is."""

        ENDS = "ends", _("Its validity ends soon")
        ENDED = "ended", _("Its validity has ended")
        OLD = "old", _("Not changed for a long time")
        CHANGED = "changed", _("Its source has changed")
        GONE = "gone", _("Its source is gone")
        DISLIKED = "disliked", _("Answers that cite it are rated badly")

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    detail = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["document", "kind"], name="one_alert_per_document_and_kind")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.document}: {self.get_kind_display()}"


class ReportSettings(TenantOwned):
    """One row a tenant: what curators want to be told of.

    Attributes:
        looked_until: customers' questions up to then are in the gaps, or were none.
    """

    ends_days = models.PositiveSmallIntegerField(
        _("days before validity ends"),
        default=14,
        validators=[MaxValueValidator(MOST_DAYS)],
        help_text=_("A document is mentioned so many days before its last valid day; 0: when it is over."),
    )
    old_days = models.PositiveSmallIntegerField(
        _("days without a change"),
        null=True,
        blank=True,
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text=_("A document that has not changed for so long is mentioned; empty: none is."),
    )
    check_sources = models.BooleanField(
        _("look at web addresses again"),
        default=True,
        help_text=_("Once a day, whether pages that documents were fetched from have changed or are gone."),
    )
    looked_until = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("report settings")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_report_settings_per_tenant")]

    def __str__(self) -> str:
        return str(_("Reports"))


class SourceCheck(TenantOwned):
    """What the address of a document said of itself when it was last looked at, so that the next look can be short."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, related_name="source_check")
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, help_text=_("Of what the marks above belong to."))
    checked_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "checked_at"], name="source_check_by_time")]

    def __str__(self) -> str:
        return f"{self.document}: {self.checked_at:%d %b %Y %H:%M}"
