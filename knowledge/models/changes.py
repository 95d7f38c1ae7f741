"""What changed since when: how replicas know that they are behind."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class KnowledgeState(TenantOwned):
    """How often a tenant's knowledge has changed: the version that replicas compare theirs with."""

    version = models.BigIntegerField(default=0)
    embedding = models.CharField(
        max_length=120, blank=True, help_text=_("The embedding model that serves; empty: that of the installation.")
    )
    day = models.DateField(help_text=_("The day up to which beginnings and ends of validity were announced."))

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_knowledge_state_per_tenant")]

    def __str__(self) -> str:
        return f"version {self.version}"


class KnowledgeChange(TenantOwned):
    """The version at which a document last changed, the deleted ones too.

    A replica at version v reloads the documents with a greater version; one row a document is all that takes.
    """

    version = models.BigIntegerField()
    document_id = models.BigIntegerField(help_text=_("The document itself may be gone."))

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "document_id"], name="one_change_per_document")]
        indexes = [models.Index(fields=["tenant", "version"], name="change_by_version")]

    def __str__(self) -> str:
        return f"{self.version}: document {self.document_id}"
