"""What the agent may do in a tenant."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class Verification(models.TextChoices):
    """How a visitor who is not signed in proves who they are."""

    NONE = "none", _("Not at all: only signed-in customers see orders")
    MATCH = "match", _("By their e-mail address, or name and postcode")
    CODE = "code", _("By a one-time code sent to their e-mail address")
    TOKEN = "token", _("By a signed token from the shop's own site")


class AgentPolicy(TenantOwned):
    """One row a tenant: how customers prove who they are, and which changes need a person."""

    verification = models.CharField(max_length=10, choices=Verification.choices, default=Verification.MATCH)
    order_needed = models.BooleanField(
        default=False, help_text=_("Name and postcode prove nothing without the number of an order as well.")
    )
    attempts = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Failed proofs in one conversation before a person must help."),
    )
    action_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1)], help_text=_("Minutes a proposed change waits for its customer.")
    )
    approval_amount = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Changes that move more money than this need a person's approval; empty: none do."),
    )
    daily_changes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=_("Changes of one customer in a day before a person must approve; empty: any number."),
    )
    tool_rounds = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("How often a language model may ask for tools in one reply."),
    )
    handover_when_unknown = models.BooleanField(
        default=True, help_text=_("A question that the documents do not answer goes to the inbox.")
    )

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("agent policy")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_agent_policy_per_tenant")]

    def __str__(self) -> str:
        return str(self.get_verification_display())
