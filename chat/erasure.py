"""Erasing one person: everything a tenant holds about a customer, and their account where it serves nothing else."""

import hashlib
import uuid
from collections import Counter

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from agents.cache.curation import erase_answers
from agents.models import Action, ModelCall, Session, ToolCall
from agents.routing.teaching import forget_corrections
from chat.models import Conversation, Message, TurnCount
from chat.models import Role as Speaker
from chat.throttle import subject_of
from commerce.models import Customer
from commerce.services.erasure import erase_customer as erase_shop_records
from knowledge.evaluation.services import forget_sources
from knowledge.gaps import forget_questions
from tenants.models import Membership, Role
from tenants.scope import user_scope
from tenants.services import record_audit


def erase_customer(*, email: str, actor: str) -> dict[str, int]:
    """Removes what the tenant in scope holds about the person with this address.

    Conversations go with their messages, frames, ratings and reviews, and with what the agent kept of them; those of a
    visitor who proved to be this customer, too, and the examples of intents that reviewers made of their messages,
    their questions among the gaps of the documents, and answers that were kept to be given again. So do the shop's
    records: addresses, orders, complaints. What models were asked for them stays in the accounts without a name. The
    account goes when it belongs to no other tenant and to nobody who works for this one; then its sessions end. The
    audit trail notes a digest of the address.

    Returns:
        How many rows of each kind were removed; empty when nobody is known by that address.
    """
    removed: Counter[str] = Counter()
    with transaction.atomic():
        users = list(User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email)))
        customers = Customer.objects.filter(Q(email__iexact=email.strip()) | Q(user__in=users))
        removed.update(_erase_conversations(users, customers))
        for address in {email, *customers.exclude(email="").values_list("email", flat=True)}:
            removed.update(erase_shop_records(email=address))
        for user in users:
            removed.update(_counted(Membership.objects.filter(user=user, role=Role.CUSTOMER).delete()))
            if not _needed(user):
                removed.update(_delete_account(user))
        if removed:
            digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:16]
            record_audit(actor=actor, action="customer.erased", target=digest, detail=dict(removed))
    return dict(removed)


def _erase_conversations(users: list[User], customers: "QuerySet[Customer]") -> Counter[str]:
    """Removes the conversations of these users and customers, and what the agent keeps under their ids."""
    bound = Session.objects.filter(customer__in=customers).values("conversation")
    conversations = Conversation.objects.filter(Q(user__in=users) | Q(pk__in=bound))
    ids = list(conversations.values_list("pk", flat=True))
    removed: Counter[str] = Counter()
    for kept in (Action, ToolCall, Session):
        removed.update(_counted(kept.objects.filter(conversation__in=ids).delete()))
    removed.update(_anonymise_calls(users, ids))
    replies = list(Message.objects.filter(conversation__in=ids, role=Speaker.ASSISTANT).values_list("pk", flat=True))
    for name, count in zip(("cachedanswer", "cachehit"), erase_answers(replies=replies), strict=True):
        removed.update({name: count} if count else {})
    if questions := forget_questions([str(reply) for reply in replies]):
        removed["gapquestion"] += questions
    if cases := forget_sources(replies=replies):
        removed["evaluationcase"] += cases
    said = Message.objects.filter(conversation__in=ids, role=Speaker.CUSTOMER).values_list("text", flat=True)
    if corrections := forget_corrections(texts=said):
        removed["intentexample"] += corrections
    removed.update(_counted(Conversation.objects.filter(pk__in=ids).delete()))
    counts = TurnCount.objects.filter(subject__in=[subject_of("person", f"user:{user.pk}") for user in users])
    removed.update(_counted(counts.delete()))
    return removed


def _anonymise_calls(users: list[User], conversations: list[uuid.UUID]) -> Counter[str]:
    """What models were asked for stays in the accounts, without whom it was for and in which conversation."""
    theirs = Q(conversation__in=conversations) | Q(customer__in=[f"user {user.pk}" for user in users])
    count = ModelCall.objects.filter(theirs).update(customer="", conversation=None, reply=None)
    return Counter({"modelcall": count} if count else {})


def _counted(deletion: tuple[int, dict[str, int]]) -> dict[str, int]:
    return {name.rpartition(".")[2].lower(): count for name, count in deletion[1].items() if count}


def _delete_account(user: User) -> dict[str, int]:
    """Keeps it where another tenant, whose rows cannot be seen from here, has conversations with this person."""
    try:
        with transaction.atomic():
            deleted = user.delete()
            connection.check_constraints()  # now, not at the commit
    except IntegrityError:
        return {}
    return _counted(deleted)


def _needed(user: User) -> bool:
    """Whether the account is an operator's, or has a role anywhere."""
    if user.is_superuser:
        return True
    with user_scope(user.pk):
        return Membership.of_user(user.pk).exists()
