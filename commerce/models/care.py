"""What went wrong, and money that is to go back."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from commerce.models.catalogue import CODE_LENGTH
from commerce.models.customers import Customer
from commerce.models.orders import Order
from tenants.models import TenantOwned


class ComplaintKind(models.TextChoices):
    LATE = "late", _("Late")
    DAMAGED = "damaged", _("Damaged")
    DEFECTIVE = "defective", _("Does not work")
    WRONG = "wrong_item", _("Wrong item")
    MISSING = "missing", _("Something is missing")
    SERVICE = "service", _("Service")
    OTHER = "other", _("Something else")


class Severity(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class ComplaintStatus(models.TextChoices):
    OPEN = "open", _("Open")
    IN_PROGRESS = "in_progress", _("In progress")
    RESOLVED = "resolved", _("Resolved")


class Wanted(models.TextChoices):
    REPLACEMENT = "replacement", _("Replacement")
    REFUND = "refund", _("Refund")
    ADVICE = "advice", _("Advice")


class Complaint(TenantOwned):
    """What a customer is not content with. `code` is the number they are given: CMP-1001."""

    code = models.CharField(max_length=CODE_LENGTH)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="complaints")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, null=True, blank=True, related_name="complaints")
    items = models.JSONField(default=list, blank=True, help_text=_("Item ids."))
    kind = models.CharField(max_length=20, choices=ComplaintKind.choices, default=ComplaintKind.OTHER)
    text = models.TextField()
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.MEDIUM)
    wanted = models.CharField(max_length=20, choices=Wanted.choices, blank=True)
    status = models.CharField(max_length=20, choices=ComplaintStatus.choices, default=ComplaintStatus.OPEN)
    resolution = models.TextField(blank=True)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="one_complaint_per_code")]
        indexes = [models.Index(fields=["tenant", "status", "-created_at"], name="complaints_by_status")]

    def __str__(self) -> str:
        return self.code


class RefundStatus(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid")
    REFUSED = "refused", _("Refused")


class Refund(TenantOwned):
    """Money a customer asks back outside of a return. `code` is the number they are given: RFD-1001."""

    code = models.CharField(max_length=CODE_LENGTH)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=300, blank=True)
    method_code = models.CharField(max_length=CODE_LENGTH, blank=True)
    status = models.CharField(max_length=20, choices=RefundStatus.choices, default=RefundStatus.REQUESTED)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="one_refund_per_code"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.code
