"""What customers want, by example."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class Intent(TenantOwned):
    """Something customers of this tenant want. One with a built-in name adds to it, or switches it off."""

    name = models.SlugField(max_length=60)
    label = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True, help_text=_("One sentence, also for the language model."))
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="one_intent_per_name")]

    def __str__(self) -> str:
        return self.label or self.name


class ExampleSource(models.TextChoices):
    CURATOR = "curator", _("Curator")
    REVIEWER = "reviewer", _("Correction of a reviewer")


class IntentExample(TenantOwned):
    """Something a customer said who wanted this."""

    intent = models.ForeignKey(Intent, on_delete=models.CASCADE, related_name="examples")
    text = models.CharField(max_length=500)
    language = models.CharField(max_length=12, blank=True)
    source = models.CharField(max_length=10, choices=ExampleSource.choices, default=ExampleSource.CURATOR)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["text"]
        constraints = [models.UniqueConstraint(fields=["intent", "text"], name="one_example_per_text")]

    def __str__(self) -> str:
        return self.text


class IntentModel(TenantOwned):
    """The fitted classifier of a tenant with many examples; `fingerprint` names the examples it was fitted on."""

    fingerprint = models.CharField(max_length=64)
    classes = models.JSONField(default=list)
    data = models.BinaryField()
    fitted_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_intent_model_per_tenant")]

    def __str__(self) -> str:
        return self.fingerprint[:12]
