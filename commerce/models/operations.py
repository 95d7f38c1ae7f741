"""Changes that must not be made twice."""

from django.db import models

from tenants.models import TenantOwned


class Operation(TenantOwned):
    """A change that was made under a key, in the transaction of the change itself, with what it returned."""

    key = models.CharField(max_length=200)
    name = models.CharField(max_length=80)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_operation_per_key")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"
