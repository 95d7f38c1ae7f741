"""What knowledge hears of from below: tenants that are deleted take what is kept outside of the database along."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from knowledge.indexes import storage
from tenants.models import Tenant


@receiver(post_delete, sender=Tenant)
def delete_snapshot(instance: Tenant, **_: Any) -> None:
    """Deletes the tenant's passages from the disk, once the deletion holds."""
    transaction.on_commit(partial(storage.delete, instance.pk), robust=True)
