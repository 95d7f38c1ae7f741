"""What a tenant's curators say about searching: settings, synonyms, and answers of their own."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from knowledge.models.documents import Document
from tenants.models import TenantOwned

_SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Reranker(models.TextChoices):
    """Who looks at the best passages once more."""

    NONE = "none", _("Nobody: the built-in ranking")
    SERVER = "server", _("A server with /rerank")
    MODEL = "model", _("The chat model")


class SearchSettings(TenantOwned):
    """One row a tenant; empty weights are chosen from the texts themselves."""

    dense_weight = models.FloatField(
        null=True, blank=True, validators=_SHARE, help_text=_("Share of meaning against words; empty: chosen.")
    )
    rerank_weight = models.FloatField(
        null=True, blank=True, validators=_SHARE, help_text=_("Share of the close look; empty: chosen.")
    )
    spelling = models.BooleanField(default=True, help_text=_("Correct words that no document has."))
    diversity = models.FloatField(
        default=0.0, validators=_SHARE, help_text=_("How much passages of the same document give way to others.")
    )
    reranker = models.CharField(max_length=8, choices=Reranker.choices, default=Reranker.NONE)
    rerank_url = models.CharField(max_length=500, blank=True, help_text=_("https://api.example.com/v1/rerank"))
    rerank_model = models.CharField(max_length=200, blank=True)
    rerank_sealed_key = models.TextField(blank=True, editable=False)
    rerank_private = models.BooleanField(default=False, editable=False)
    audiences = models.CharField(
        max_length=400,
        blank=True,
        help_text=_(
            "Audiences that the chat answers, such as customers, separated by commas; empty: all. "
            "Documents without an audience are for everybody."
        ),
    )

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("search settings")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_search_settings_per_tenant")]

    def __str__(self) -> str:
        return str(_("Search settings"))


class SynonymGroup(TenantOwned):
    """Words that customers and documents use for the same thing."""

    words = models.JSONField(default=list, help_text=_("Words or phrases that mean the same."))
    one_way = models.BooleanField(
        default=False, help_text=_("The first one is also looked for as the others, but not the other way around.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["pk"]

    def __str__(self) -> str:
        return " = ".join(map(str, self.words))


class CuratedAnswer(TenantOwned):
    """An answer that a curator wrote for certain questions: where one is asked, its document comes first.

    Attributes:
        vectors: float32 [questions, d], unit length, as `model` made them in a job; empty until then.
    """

    questions = models.JSONField(default=list, help_text=_("How customers ask for it; one wording is enough."))
    answer = models.TextField()
    document = models.OneToOneField(Document, on_delete=models.CASCADE, editable=False, related_name="curated_answer")
    enabled = models.BooleanField(default=True)
    vectors = models.BinaryField(default=bytes, editable=False)
    model = models.CharField(max_length=120, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-changed_at"]

    def __str__(self) -> str:
        return str(self.questions[0]) if self.questions else str(self.pk)
