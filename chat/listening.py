"""What the chat hears of from below: changes that ended outside of a reply, members who leave, money that runs out."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import post_delete
from django.dispatch import receiver

from agents.actions.outcomes import Decided
from agents.actions.signals import settled
from agents.budgets import warned
from agents.models import Budget
from chat import handover, notifications
from chat.answering import tell_outcome
from tenants.models import Membership, Role


@receiver(settled)
def tell_settled(decided: Decided, **_: Any) -> None:
    """Tells the customer of a change that came to its end outside of a reply and of the inbox."""
    name = decided.action.decided_by
    tell_outcome(decided, User.objects.filter(username=name).first() if name else None)


@receiver(post_delete, sender=Membership)
def release_conversations(instance: Membership, **_: Any) -> None:
    """Puts the conversations of somebody who answers no longer here back into the queue."""
    answers = (Role.AGENT, Role.OWNER)
    if instance.role in answers and not Membership.objects.filter(user=instance.user_id, role__in=answers).exists():
        handover.release(user_id=instance.user_id)


@receiver(warned)
def tell_owners(budget: Budget, spent: Decimal, **_: Any) -> None:
    """Writes to the owners of a tenant whose budget has passed its warning mark."""
    notifications.enqueue_budget(budget, spent)
