from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        """Has the first tiers made again where the tables were emptied, as Django does with its permissions."""
        post_migrate.connect(make_tiers, sender=self)


def make_tiers(*, using: str, apps: Any = installed, **_: Any) -> None:
    """Makes the tiers that are missing of those that every installation has; those there are stay as they are."""
    from tenants.models import TIERS

    try:
        tiers = apps.get_model("tenants", "RateTier")
    except LookupError:
        return  # migrated back to before there were any
    tiers.objects.using(using).bulk_create(
        [
            tiers(slug=slug, name=name, turns_per_hour=turns, address_turns_per_hour=address)
            for slug, (name, turns, address) in TIERS.items()
        ],
        ignore_conflicts=True,
    )
