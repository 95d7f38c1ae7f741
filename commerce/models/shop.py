"""What holds for a tenant's whole shop."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class Shop(TenantOwned):
    """One row a tenant: its currency, the form of its order numbers, how long goods may be returned.

    `catalogue_version` rises with every change of products, for whoever keeps a copy of them in memory.
    """

    currency = models.CharField(max_length=3, default="USD", help_text=_("Three letters: USD, EUR …"))
    order_patterns = models.JSONField(
        default=list, blank=True, help_text=_(r"Regular expressions of order numbers beside the usual: [“SO\\d{6}”].")
    )
    return_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Days after delivery within which goods may be returned; empty: no limit.")
    )
    catalogue_version = models.PositiveIntegerField(default=0, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("shop")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_shop_per_tenant")]

    def __str__(self) -> str:
        return self.currency
