"""What language models were asked for, what it cost, and what it may cost: in US dollars, to a fraction of a token."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import HotTenantOwned, TenantOwned


class Feature(models.TextChoices):
    """What a request to a model was for."""

    ANSWER = "answer", _("Answers")
    REWRITE = "rewrite", _("Reading follow-ups")
    CLASSIFY = "classify", _("Telling intents")
    JUDGE = "judge", _("Judging answers")
    TRIAL = "trial", _("Trials of models and prompts")
    DESCRIBE = "describe", _("Captions of pictures")


class ModelCall(HotTenantOwned):
    """One request to a provider, whatever became of it."""

    created_at = models.DateTimeField(auto_now_add=True)
    feature = models.CharField(max_length=10, choices=Feature.choices, default=Feature.ANSWER)
    conversation = models.UUIDField(null=True, blank=True)
    reply = models.UUIDField(null=True, blank=True)
    customer = models.CharField(max_length=80, blank=True)
    intent = models.CharField(max_length=60, blank=True)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=200)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    estimated = models.BooleanField(default=False)
    priced = models.BooleanField(default=True)
    cost = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    outcome = models.CharField(max_length=40, default="ok")
    """ "ok", "truncated", "stopped" (by the customer), or the kind of the failure."""
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    first_ms = models.FloatField(null=True, blank=True)
    total_ms = models.FloatField(default=0)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["tenant", "created_at"], name="model_calls_by_time"),
            models.Index(fields=["tenant", "reply"], name="model_calls_by_reply"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.outcome}"


class Period(models.TextChoices):
    DAY = "day", _("Day")
    MONTH = "month", _("Month")


class Budget(TenantOwned):
    """What a tenant's models may cost in a day or a month (UTC)."""

    period = models.CharField(max_length=5, choices=Period.choices)
    amount = models.DecimalField(
        max_digits=12, decimal_places=4, validators=[MinValueValidator(0)], help_text=_("US dollars.")
    )
    warn_percent = models.PositiveSmallIntegerField(
        _("warn at %"), default=80, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    degrade_percent = models.PositiveSmallIntegerField(
        _("economise at %"), default=95, validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("From here on only the primary model; nothing but quotes of the documents at 100 %."),
    )  # fmt: skip
    warned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "period"], name="one_budget_per_period")]

    def __str__(self) -> str:
        return f"{self.amount} a {self.period}"


class Spending(TenantOwned):
    """What a tenant's models have cost on a day (UTC)."""

    day = models.DateField()
    amount = models.DecimalField(max_digits=16, decimal_places=10, default=0)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="one_spending_per_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.amount}"


class BudgetHold(TenantOwned):
    """Money set aside for a request that is under way; it is free again at `expires_at` if the process died."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    amount = models.DecimalField(max_digits=16, decimal_places=10)
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "expires_at"], name="holds_by_expiry")]

    def __str__(self) -> str:
        return str(self.amount)
