"""Changes that were proposed to a customer."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from commerce.models import Customer
from tenants.models import TenantOwned


class ActionState(models.TextChoices):
    """PROPOSED waits for the customer, APPROVAL for a person, RUNNING for an answer from outside."""

    PROPOSED = "proposed", _("Waits for the customer")
    APPROVAL = "approval", _("Waits for approval")
    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    DECLINED = "declined", _("Declined by the customer")
    REFUSED = "refused", _("Refused by a person")
    EXPIRED = "expired", _("Expired")


OPEN_STATES = (ActionState.PROPOSED, ActionState.APPROVAL, ActionState.RUNNING)


class Action(TenantOwned):
    """A change that a customer may confirm; its id is the idempotency key under which it runs.

    `summary` is one plain sentence, `detail` what the card shows: {title, subtitle, lines: [..], amount, currency,
    amount_note, confirm (the button's verb)}. `result` is what the tool returned, `outcome` a sentence for customers.
    `call` is the tool call that proposed it, if a model did.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.UUIDField()
    reply = models.UUIDField(help_text=_("The reply that proposed it."))
    call = models.ForeignKey("agents.ToolCall", on_delete=models.SET_NULL, null=True, related_name="actions")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="+")
    tool = models.CharField(max_length=60)
    arguments = models.JSONField(default=dict)
    summary = models.TextField()
    detail = models.JSONField(default=dict)
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    state = models.CharField(max_length=10, choices=ActionState.choices, default=ActionState.PROPOSED)
    result = models.JSONField(default=dict)
    outcome = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True, help_text=_("Who approved or refused."))
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["tenant", "conversation", "created_at"], name="actions_of_conversation"),
            models.Index(fields=["tenant", "customer", "-confirmed_at"], name="actions_of_customer"),
            models.Index(fields=["tenant", "state", "created_at"], name="actions_by_state"),
        ]

    def __str__(self) -> str:
        return self.summary[:120]
