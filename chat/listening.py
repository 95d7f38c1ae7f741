"""What the chat hears of from below: changes that ended outside of a reply, and members who leave."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import post_delete
from django.dispatch import receiver

from agents.actions.outcomes import Decided
from agents.actions.signals import settled
from chat import handover
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
