"""Orders, what was paid for them, where they are, what was sent back."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from commerce.models.catalogue import CODE_LENGTH
from commerce.models.customers import Address, Customer
from tenants.models import TenantOwned


class Order(Address, TenantOwned):
    """What a customer bought at once. `code` is the number they know, such as "#W2378156" or "ORD-1002".

    `status` is one of "pending", "pending (item modified)", "processed", "delivered", "cancelled", "return requested",
    "exchange requested".
    """

    code = models.CharField(max_length=CODE_LENGTH)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    status = models.CharField(max_length=40, default="pending")
    currency = models.CharField(max_length=3, default="USD")
    cancel_reason = models.CharField(max_length=100, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
    expected_on = models.DateField(null=True, blank=True)
    position = models.PositiveIntegerField(default=0, editable=False, help_text=_("Keeps the order of an import."))

    class Meta(TenantOwned.Meta):
        ordering = ["-placed_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="one_order_per_code")]
        indexes = [models.Index(fields=["tenant", "customer", "-placed_at"], name="orders_of_customer")]

    def __str__(self) -> str:
        return self.code


class OrderItem(TenantOwned):
    """One piece of an order, as it was sold: later changes of the catalogue leave it alone. A piece may repeat."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=200)
    product_code = models.CharField(max_length=CODE_LENGTH, blank=True)
    variant_code = models.CharField(max_length=CODE_LENGTH)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    options = models.JSONField(default=dict, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["tenant", "variant_code"], name="items_by_variant")]

    def __str__(self) -> str:
        return self.name


class PaymentKind(models.TextChoices):
    PAYMENT = "payment", _("Payment")
    REFUND = "refund", _("Refund")


class Payment(TenantOwned):
    """An entry of an order's payment history; amounts are positive."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    position = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=10, choices=PaymentKind.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method_code = models.CharField(max_length=CODE_LENGTH)
    at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"


class Return(TenantOwned):
    """What a customer sends back of an order, for which money goes back; at most one for each order."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="returned")
    items = models.JSONField(default=list, help_text=_("Item ids, sorted; one may repeat."))
    method_code = models.CharField(max_length=CODE_LENGTH)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.order}: {self.amount}"


class Exchange(TenantOwned):
    """What a customer swaps of a delivered order; `difference` is what they pay, or get when it is negative."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="exchanged")
    items = models.JSONField(default=list)
    new_items = models.JSONField(default=list)
    method_code = models.CharField(max_length=CODE_LENGTH)
    difference = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.order}: {self.difference}"


class DeliveryStatus(models.TextChoices):
    ORDERED = "ordered", _("Ordered")
    PACKED = "packed", _("Packed")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT = "out_for_delivery", _("Out for delivery")
    DELIVERED = "delivered", _("Delivered")
    RETURNED = "returned", _("Returned to sender")


class Delivery(TenantOwned):
    """A parcel of an order. An import without deliveries makes one of each of its fulfilments.

    `status` is empty where the shop told nothing but the tracking numbers.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="deliveries")
    position = models.PositiveIntegerField(default=0)
    tracking_codes = models.JSONField(default=list, blank=True)
    items = models.JSONField(default=list, blank=True, help_text=_("Item ids."))
    carrier = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=20, choices=DeliveryStatus.choices, blank=True)
    expected_on = models.DateField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "id"]
        verbose_name_plural = _("deliveries")

    def __str__(self) -> str:
        return ", ".join(self.tracking_codes) or f"{self.order} {self.position}"


class DeliveryEvent(TenantOwned):
    """Where a parcel was, when."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    status = models.CharField(max_length=20, choices=DeliveryStatus.choices)
    place = models.CharField(max_length=120, blank=True)
    text = models.CharField(max_length=300, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.place}".strip()
