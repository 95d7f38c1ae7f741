"""Told upward: a change came to its end while no turn was running, and not in the inbox either."""

from django.dispatch import Signal

settled = Signal()
"""Sent inside the tenant's scope, in the transaction that ends the change, with `decided: Decided`.

That is an approved change of another server's that has run, one that was decided on in the admin, or one whose end is
not known, which needs a person (`decided.handover`).
"""
