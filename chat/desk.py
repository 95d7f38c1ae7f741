"""What people see of the inbox: who waits, what was said, who the customer is. Reads, in the tenant's scope."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from agents.actions import waiting_for_approval
from agents.models import Action, Session
from chat import cards
from chat.models import OPEN_HANDOVERS, Conversation, Handler, Handover, HandoverState, InboxSettings, Message, Role
from chat.notifications import inbox_settings
from chat.queries import NotFoundError
from chat.situations import bound_customer
from chat.stretches import Stretch, latest, since
from commerce.models import Customer, Order
from commerce.queries import order_total, orders_of
from tenants.models import Tenant

LISTED = 100  # conversations in the list
ORDERS = 5  # latest orders of a customer
THERE = timedelta(minutes=10)  # after somebody had the inbox open, in which customers are told that people are there
SEEN_EVERY = timedelta(minutes=1)  # how often that is noted

_NO_ADDRESS = Case(When(email="", then=Value(1)), default=Value(0))
_WAITING = Q(state=HandoverState.WAITING) | Q(state=HandoverState.TAKEN, taken_by=None)
SHOWN: dict[str, Callable[[User], Q]] = {
    "waiting": lambda _: _WAITING,
    "mine": lambda user: Q(state=HandoverState.TAKEN, taken_by=user),
    "open": lambda _: Q(state__in=OPEN_HANDOVERS),
    "closed": lambda _: ~Q(state__in=OPEN_HANDOVERS),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in the list; `since` is when it began to wait, or ended."""

    handover: Handover
    name: str
    wanted: str
    since: datetime


def handovers(shown: str, user: User) -> "QuerySet[Handover]":
    """The hand-overs that a filter shows: those with an address left first, then by how long they wait."""
    found: QuerySet[Handover] = Handover.objects.filter(SHOWN[shown](user), conversation__deleted_at=None)
    found = found.select_related("conversation__user", "taken_by")
    return found.order_by("-ended_at") if shown == "closed" else found.order_by(_NO_ADDRESS, "created_at")


def lines(found: Iterable[Handover]) -> list[Line]:
    """What the list says of hand-overs; one query for the customers of all."""
    found = list(found)
    names = customer_names([handover.conversation for handover in found])
    return [
        Line(h, names[h.conversation_id], _wanted(h), (h.ended_at if not h.open else None) or h.created_at)
        for h in found
    ]


def _wanted(handover: Handover) -> str:
    first = handover.summary.partition("\n")[0]
    return first.removeprefix("Wants: ") if first.startswith("Wants: ") else handover.conversation.title


def customer_names(conversations: Sequence[Conversation]) -> dict[uuid.UUID, str]:
    """How the customers of conversations are called, as far as anybody knows."""
    bound = Session.objects.filter(conversation__in=[c.pk for c in conversations]).exclude(customer=None)
    names = {session.conversation: str(session.customer) for session in bound.select_related("customer")}
    for conversation in conversations:
        user = conversation.user
        names.setdefault(conversation.pk, (user.get_full_name() or user.get_username()) if user else "A visitor")
    return names


def count_waiting() -> int:
    """How many conversations wait for a person."""
    count: int = Handover.objects.filter(_WAITING, conversation__deleted_at=None).count()
    return count


def version_of(*parts: object) -> str:
    """A short text that changes when what is shown does."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:16]


def version_of_lines(shown: str, listed: Sequence[Line]) -> str:
    """The version of a list: waiting times go by the minute."""
    minute = int(timezone.now().timestamp() // 60)
    facts = [(n.handover.pk, n.handover.state, n.handover.taken_by_id, n.handover.email, n.name) for n in listed]
    return version_of(shown, facts, minute if listed else 0)


@dataclass(frozen=True, slots=True)
class Folder:
    """A conversation of the inbox with what an agent needs beside it; `handover` is the open one, or the last."""

    conversation: Conversation
    handover: Handover
    name: str
    customer: Customer | None
    proof: str
    approvals: list[Action]

    @property
    def version(self) -> str:
        """Changes when anything does that the thread shows."""
        spoken = Message.objects.filter(conversation=self.conversation).order_by("-created_at")
        messages = spoken.values_list("created_at", "finished_at").first()
        actions = list(Action.objects.filter(conversation=self.conversation.pk).values_list("pk", "state"))
        conversation = self.conversation
        return version_of(conversation.last_seq, conversation.server, messages, actions, self.standing)

    @property
    def standing(self) -> str:
        """Changes when somebody takes, leaves or ends the conversation, or something waits for approval."""
        h = self.handover
        return version_of(h.pk, h.state, h.taken_by_id, h.email, [action.pk for action in self.approvals])


def find_folder(pk: uuid.UUID) -> Folder | None:
    """A conversation that is or was in the inbox."""
    found = Handover.objects.filter(conversation=pk, conversation__deleted_at=None).order_by("-created_at")
    handover = found.select_related("conversation__user", "taken_by").first()
    if handover is None:
        return None
    conversation = handover.conversation
    customer, proof = bound_customer(pk)
    name = customer_names([conversation])[pk]
    return Folder(conversation, handover, name, customer, proof, list(waiting_for_approval(pk)))


def thread_of(conversation: Conversation, tenant: Tenant, first: str = "") -> tuple[Stretch, bool]:
    """What was said in a conversation of late, notes included, with cards as they stand now and no buttons.

    It follows the message with the id `first`, where a page has that one, or else is the last stretch. Also returns
    whether it begins with `first`: it does not when that has become too long.
    """
    known = _message(conversation, first)
    stretch = since(_said(conversation), known) if known else latest(_said(conversation))
    cards.attach(stretch.messages, tenant, with_buttons=False)
    return stretch, known is not None and stretch.first == known


def thread_before(conversation: Conversation, tenant: Tenant, before: str) -> Stretch:
    """The stretch before the message with an id; NotFoundError where there is no such message."""
    known = _message(conversation, before)
    if known is None:
        raise NotFoundError
    stretch = latest(_said(conversation), before=known)
    cards.attach(stretch.messages, tenant, with_buttons=False)
    return stretch


def _said(conversation: Conversation) -> "QuerySet[Message]":
    said: QuerySet[Message] = Message.objects.filter(conversation=conversation).select_related("feedback", "author")
    return said.defer("trace")


def _message(conversation: Conversation, pk: str) -> Message | None:
    """A message of a conversation by an id that a page sent; None for anything else."""
    try:
        known: Message | None = Message.objects.filter(conversation=conversation, pk=uuid.UUID(pk)).first()
    except ValueError:
        return None
    return known


def orders_beside(customer: Customer | None) -> list[tuple[Order, Any]]:
    """A customer's latest orders with what each comes to."""
    return [(order, order_total(order)) for order in orders_of(customer)[:ORDERS]] if customer else []


# Whether people are there


def note_presence() -> None:
    """Notes that one of the tenant's people has the inbox open, at most once a minute."""
    now = timezone.now()
    stale = Q(seen_at=None) | Q(seen_at__lt=now - SEEN_EVERY)
    if not InboxSettings.objects.filter(stale).update(seen_at=now):
        InboxSettings.objects.get_or_create(defaults={"seen_at": now})


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer is told of who answers; `handover` is None where the assistant does."""

    handover: Handover | None
    there: bool
    hours: str

    @property
    def name(self) -> str:
        """Who answers, empty while it waits."""
        user = self.handover.taken_by if self.handover else None
        return (user.get_full_name() or user.get_username()) if user else ""


def standing_of(conversation: Conversation) -> Standing:
    """How the hand-over of a conversation stands."""
    if conversation.handled_by == Handler.BOT:
        return Standing(None, there=False, hours="")
    open_ones = Handover.objects.filter(conversation=conversation, state__in=OPEN_HANDOVERS).select_related("taken_by")
    row = inbox_settings()
    there = row.seen_at is not None and row.seen_at > timezone.now() - THERE
    return Standing(open_ones.first(), there, row.hours)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something about a hand-over that stands between the messages."""

    role = "event"
    created_at: datetime
    text: str


ENDINGS = {HandoverState.RETURNED: "The assistant answers again.", HandoverState.CLOSED: "This request was closed."}


def happenings_of(conversation: Conversation, since: datetime | None = None) -> list[Happening]:
    """What happened to the hand-overs of a conversation, from a moment on, for the customer to read."""
    told: list[Happening] = []
    found = Handover.objects.filter(conversation=conversation).select_related("taken_by")
    if since:
        found = found.filter(Q(taken_at__gte=since) | Q(ended_at__gte=since))
    for handover in found:
        if handover.taken_at and handover.taken_by:
            name = handover.taken_by.get_full_name() or handover.taken_by.get_username()
            told.append(Happening(handover.taken_at, f"{name} answers here."))
        if handover.ended_at:
            told.append(Happening(handover.ended_at, ENDINGS[HandoverState(handover.state)]))
    return told


def with_happenings(stretch: Stretch, conversation: Conversation) -> list[Any]:
    """Messages of a stretch and what happened to the hand-overs meanwhile, in order."""
    begins, ends = stretch.begins, stretch.messages[-1].created_at if stretch.later and stretch.messages else None
    happened = [
        told
        for told in happenings_of(conversation, begins)
        if (begins is None or told.created_at >= begins) and (ends is None or told.created_at <= ends)
    ]
    return sorted([*stretch.messages, *happened], key=lambda item: item.created_at)


def writing(messages: Iterable[Message]) -> bool:
    """Whether a reply of the assistant's is under way."""
    return any(message.role == Role.ASSISTANT and not message.finished for message in messages)
