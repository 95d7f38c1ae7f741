"""What curators are told unasked: questions without a passage, documents that age."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.documents import Document
from tenants.models import TenantOwned


class Gap(TenantOwned):
    """Something customers ask for and the documents do not say: a cluster of questions without a good passage.

    Attributes:
        questions: a list of {text, message, at}, the latest first.
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
