"""Who buys, where it is sent, and how it is paid."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from commerce.models.catalogue import CODE_LENGTH
from tenants.models import TenantOwned


class Address(models.Model):
    """The columns of an address."""

    address1 = models.CharField(_("street"), max_length=200, blank=True)
    address2 = models.CharField(_("flat, floor"), max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=100, blank=True)
    zip = models.CharField(_("postcode"), max_length=20, blank=True)

    class Meta:
        abstract = True


class Customer(Address, TenantOwned):
    """A person who buys. `code` is the shop's own id; `user` is who they sign in as, if they do."""

    code = models.CharField(max_length=CODE_LENGTH)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["last_name", "first_name", "code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="one_customer_per_code"),
            models.UniqueConstraint(
                fields=["tenant", "user"], condition=models.Q(user__isnull=False), name="one_customer_per_user"
            ),
        ]
        indexes = [
            models.Index("tenant", Lower("email"), name="customers_by_email"),
            models.Index("tenant", Lower("last_name"), "zip", name="customers_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.code


class PaymentSource(models.TextChoices):
    CARD = "credit_card", _("Card")
    PAYPAL = "paypal", _("PayPal")
    GIFT_CARD = "gift_card", _("Gift card")


class PaymentMethod(TenantOwned):
    """How a customer pays. Of a card only brand and last four digits are known; only gift cards have a balance."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="payment_methods")
    code = models.CharField(max_length=CODE_LENGTH)
    source = models.CharField(max_length=20, choices=PaymentSource.choices)
    brand = models.CharField(max_length=40, blank=True)
    last_four = models.CharField(max_length=4, blank=True)
    balance = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "code"], name="one_payment_method_per_code"),
            models.CheckConstraint(
                condition=models.Q(balance=None) | models.Q(balance__gte=0), name="balance_not_negative"
            ),
        ]

    def __str__(self) -> str:
        if self.source == PaymentSource.CARD:
            return f"{self.brand.title()} {_('ending')} {self.last_four}"
        return str(self.get_source_display())
