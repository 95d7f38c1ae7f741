"""Embedding models, and the vectors that each has made."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from knowledge.models.documents import FINISHED, Chunk
from tenants.models import TenantOwned


class EmbeddingModel(TenantOwned):
    """A model that a tenant's passages are embedded with, beside the installation's own; at most one serves.

    Which one serves is said by `KnowledgeState.embedding`, so that a switch is a change of the knowledge like others.
    """

    class State(models.TextChoices):
        """How far its vectors are."""

        NEW = "new", _("Not begun")
        BUILDING = "building", _("Embedding")
        READY = "ready", _("Ready: every passage has its vectors")
        FAILED = "failed", _("Failed")

    name = models.CharField(max_length=120, help_text=_("Stored beside every vector that it makes."))
    base_url = models.CharField(
        _("address"), max_length=500, blank=True, help_text=_("https://api.example.com/v1; empty: OpenAI's own.")
    )
    model = models.CharField(
        max_length=200, blank=True, help_text=_("The name that its server knows it by; empty: the model shipped.")
    )
    sealed_key = models.TextField(_("key"), blank=True, editable=False)
    private = models.BooleanField(default=False, editable=False)
    """An operator named the address, which may lie inside the network; others reach public addresses alone."""
    dimensions = models.PositiveIntegerField(null=True, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW, editable=False)
    progress = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(FINISHED)], editable=False)
    error = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="one_embedding_model_per_name")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class ChunkVectors(TenantOwned):
    """The vectors of a chunk, as one embedding model made them; `knowledge.indexes.buffers` packs and unpacks them.

    Attributes:
        paragraph: [d], the whole chunk, in half precision.
        sentences: int8 [n, d], one row a sentence, of which the direction matters.
        tokens: [t, 64], one row a content token, in five bits a component, of which the direction matters.
        token_ids: [t], the model's vocabulary, in one, two or four bytes each.
        token_sentences: [t], likewise, the sentence that each token is in.
    """

    # The constraint's index finds the vectors of a chunk.
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="vectors", db_index=False)
    model = models.CharField(max_length=120)
    paragraph = HalfVectorField()  # as long as the model's vectors are
    sentences = models.BinaryField()
    tokens = models.BinaryField()
    token_ids = models.BinaryField()
    token_sentences = models.BinaryField()

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["chunk", "model"], name="one_set_of_vectors_per_model")]

    def __str__(self) -> str:
        return f"{self.chunk_id}: {self.model}"


class VectorDrift(TenantOwned):
    """How questions and documents have moved of late, by the vectors of one model; the last report alone is kept."""

    model = models.CharField(max_length=120)
    figures = models.JSONField(default=dict, help_text=_("As `knowledge.drift.figures_of` returns them."))
    made_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "model"], name="one_drift_report_per_model")]

    def __str__(self) -> str:
        return f"{self.model}: {self.made_at:%d %b %Y}"
