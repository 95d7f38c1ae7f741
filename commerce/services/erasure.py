"""Forgetting a customer."""

from collections import Counter

from django.db import transaction

from commerce.models import Customer, Operation


@transaction.atomic
def erase_customer(*, email: str) -> dict[str, int]:
    """Removes the customers with this e-mail address and everything of theirs: orders, complaints, kept results.

    Returns:
        How many rows of each kind were removed; empty when nobody has that address. The caller audits it.
    """
    removed: Counter[str] = Counter()
    for customer in Customer.objects.select_for_update().filter(email__iexact=email.strip()):
        for rows in (Operation.objects.filter(result__customer=customer.code), customer):
            counts = rows.delete()[1]
            removed.update({name.rpartition(".")[2].lower(): count for name, count in counts.items() if count})
    return dict(removed)
