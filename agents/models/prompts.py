"""The prompts of a tenant, in versions."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class PromptState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class PromptVersion(TenantOwned):
    """One version of one prompt; without a published one the prompt is the file of that name in `agents/prompts`."""

    name = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    text = models.TextField()
    note = models.CharField(max_length=200, blank=True, help_text=_("What changed, and why."))
    state = models.CharField(max_length=10, choices=PromptState.choices, default=PromptState.DRAFT)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name", "number"], name="one_prompt_per_number"),
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=models.Q(state="published"), name="one_published_prompt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"
