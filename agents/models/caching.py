"""Answers from knowledge alone that are given again."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from tenants.models import TenantOwned


class CachedAnswer(TenantOwned):
    """An answer and the question it was given to.

    `scope` is a digest of everything but the question that the answer depends on: the tenant's knowledge version, the
    prompts, the models, the language, the audience, the embedder and the rules. A row of another scope is dead.
    """

    scope = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """Of the normalised question."""
    question = models.TextField()
    vector = VectorField()
    intent = models.CharField(max_length=60, blank=True)
    features = models.JSONField(default=dict)
    """Entities, numbers, dates and negations of the question; a hit must have the same."""
    answer = models.JSONField()
    documents = ArrayField(models.BigIntegerField(), default=list)
    cost = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    """What the answer cost, which every hit saves."""
    reply = models.UUIDField(null=True, blank=True)
    hits = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "scope", "digest"], name="cached_by_scope")]

    def __str__(self) -> str:
        return self.question[:80]


class CacheHit(TenantOwned):
    """An answer was given again; `right` is what was learnt of it, empty while nobody has said."""

    cached = models.ForeignKey(CachedAnswer, null=True, on_delete=models.SET_NULL, related_name="given")
    reply = models.UUIDField(unique=True)
    question = models.TextField()
    similarity = models.FloatField(help_text=_("1 for the same words."))
    saved = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    right = models.BooleanField(null=True, blank=True)
    judged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "created_at"], name="cache_hits_by_time")]

    def __str__(self) -> str:
        return self.question[:80]
