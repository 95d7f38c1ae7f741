"""Vector engines beside the database, for tenants past one machine."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class ExternalIndex(TenantOwned):
    """That a tenant's paragraph vectors are kept in an engine, too: from its row on, changes go to both.

    `manage.py move_index` makes the row, fills the engine, compares, and only then lets it serve.
    """

    class Engine(models.TextChoices):
        """Which programs there are."""

        QDRANT = "qdrant", _("Qdrant")

    engine = models.CharField(max_length=12, choices=Engine.choices, default=Engine.QDRANT)
    model = models.CharField(max_length=120, help_text=_("The embedder whose vectors it has."))
    version = models.BigIntegerField(
        default=-1, help_text=_("The knowledge version that it shows; -1: it is not filled yet.")
    )
    recall = models.FloatField(null=True, help_text=_("Share of the exact nearest passages that it found."))
    serves = models.BooleanField(default=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_external_index_per_tenant")]

    def __str__(self) -> str:
        return f"{self.engine} at version {self.version}"
