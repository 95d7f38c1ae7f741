"""What the agent knows of a conversation beside its text."""

from django.db import models

from commerce.models import Customer
from tenants.models import TenantOwned


class Session(TenantOwned):
    """One row a conversation (named by id: conversations belong to `chat`).

    Once `customer` is set the conversation is bound: nobody else's records exist for it. `proof` says how ("sign-in",
    "email", "name_zip", "code", "token"). `dialogue` is where a dialogue without a model stands.
    """

    conversation = models.UUIDField()
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="+")
    proof = models.CharField(max_length=12, blank=True)
    proved_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    code_digest = models.CharField(max_length=64, blank=True)
    code_customer = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True, related_name="+")
    code_expires_at = models.DateTimeField(null=True)
    dialogue = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "conversation"], name="one_session_per_conversation")]

    def __str__(self) -> str:
        return str(self.conversation)
