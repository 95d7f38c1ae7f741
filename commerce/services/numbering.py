"""The numbers that customers are given: CMP-1001, RFD-1001."""

from django.db import connection
from django.db.models import IntegerField, Max
from django.db.models.functions import Cast, Substr

from commerce.models import Complaint, Refund
from tenants.scope import current_tenant_id

FIRST = 1001


def next_code(model: type[Complaint | Refund], prefix: str) -> str:
    """The next free number of the tenant in scope; whoever asks meanwhile waits for this transaction to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [current_tenant_id(), f"commerce {prefix}"])
    numbered = model.objects.filter(code__regex=rf"^{prefix}-[0-9]{{1,9}}$")
    number = Cast(Substr("code", len(prefix) + 2), IntegerField())
    highest = numbered.aggregate(highest=Max(number))["highest"]
    return f"{prefix}-{max(FIRST, (highest or 0) + 1)}"
