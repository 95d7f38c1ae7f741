"""Conversations that people take over: into the inbox, to a person, and back. All need the tenant's scope.

An open conversation always has someone: the assistant, a place in the queue, or a person. `handled_by` says which, and
changes only here, in one transaction with the Handover row it tells of and with the frames that tell customers. Whoever
changes both an action and its conversation locks the action first.
"""

import uuid

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.validators import validate_email
from django.utils import timezone

from chat import notifications
from chat.framelog import tell
from chat.frames import clean
from chat.models import (
    OPEN_HANDOVERS,
    Conversation,
    Handler,
    Handover,
    HandoverReason,
    HandoverState,
    Message,
    Role,
    State,
)
from chat.queries import NotFoundError, Person, lock_conversation
from chat.situations import summary_of
from tenants.access import access_of
from tenants.models import Role as MemberRole
from tenants.services import record_audit

FRAMES = {HandoverState.RETURNED: "handover.returned", HandoverState.CLOSED: "handover.closed"}

ANSWERED = "Answered meanwhile:"
LONGEST_ANSWER = 300  # characters of it in a summary


class HandoverError(Exception):
    """Somebody else has the conversation, or nobody does; the text says so to the person who asked."""


def request_handover(*, conversation_id: uuid.UUID, reason: str, summary: str = "", announce: bool = False) -> None:
    """Puts a conversation into the inbox; harmless when it is there already, or deleted.

    `summary` is what the assistant says of it. With `announce` the customer is told by a frame; a reply has its own.
    """
    if reason not in HandoverReason.values:
        reason = HandoverReason.UNSUPPORTED
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id, deleted_at=None).first()
    if conversation is None or conversation.handled_by != Handler.BOT:
        return
    text = summary_of(conversation.pk, summary)
    handover = Handover.objects.create(conversation=conversation, reason=reason, summary=text)
    _set_handler(conversation, Handler.QUEUE)
    record_audit(actor="askwell", action="handover.requested", target=_target(conversation), detail={"reason": reason})
    if announce:
        tell(conversation, ("handover.requested", {"reason": reason}))
    notifications.enqueue(handover)


def call_for_reply(*, reply: uuid.UUID) -> None:
    """Puts the conversation of a reply that shows no progress into the inbox; the reply itself goes on."""
    message = Message.objects.only("conversation_id").filter(pk=reply).first()
    if message is None:
        return
    request_handover(conversation_id=message.conversation_id, reason=HandoverReason.PROGRESS, announce=True)
    ended = Message.objects.only("text").filter(pk=reply, state=State.DONE).first()  # now that the row is locked
    if ended:
        note_answer(conversation_id=message.conversation_id, text=ended.text)


def note_answer(*, conversation_id: uuid.UUID, text: str) -> None:
    """Tells whoever was called because a reply came to a standstill that it was given after all."""
    waiting = Handover.objects.filter(
        conversation=conversation_id, state__in=OPEN_HANDOVERS, reason=HandoverReason.PROGRESS
    )
    for handover in waiting.exclude(summary__contains=ANSWERED):
        handover.summary += f"\n{ANSWERED} {' '.join(text.split())[:LONGEST_ANSWER]}"
        handover.save(update_fields=["summary"])


def take_over(*, conversation_id: uuid.UUID, by: User, instead_of: int | None = None) -> Handover:
    """Gives a conversation of the inbox to a person; the assistant falls silent, in the middle of a reply if need be.

    `instead_of` is the colleague (a user's id) from whom it may be taken. Harmless when it is theirs already.

    Raises:
        NotFoundError: there is no such conversation.
        HandoverError: it is not in the inbox, or another colleague has it.
        PermissionDenied: for anybody but agents and owners.
    """
    conversation, handover = lock_with_handover(conversation_id, by)
    if handover is None:
        raise HandoverError("This conversation is with the assistant: nobody is asked for.")
    if handover.taken_by_id == by.pk:
        return handover
    if handover.taken_by_id not in (None, instead_of):
        raise HandoverError(f"{name_of(handover.taken_by)} has this conversation.")
    before = handover.taken_by.get_username() if handover.taken_by else ""
    handover.state, handover.taken_by, handover.taken_at = HandoverState.TAKEN, by, timezone.now()
    handover.save(update_fields=["state", "taken_by", "taken_at"])
    _set_handler(conversation, Handler.PERSON)
    running = Message.objects.filter(conversation=conversation, role=Role.ASSISTANT, state=State.RUNNING)
    running.update(stop_asked=True)
    audit(conversation, by, "taken", **({"from": before} if before else {}))
    tell(conversation, ("handover.taken", {"name": name_of(by)}))
    return handover


def give_back(*, conversation_id: uuid.UUID, by: User, note: str = "") -> None:
    """Lets the assistant answer again, from the next message on; the note is for colleagues.

    Raises as `take_over`; HandoverError unless it is theirs, or nobody's.
    """
    conversation = lock_for(conversation_id, by, waiting=True)
    if note.strip():
        add_note(conversation, by, note)
    end(conversation, HandoverState.RETURNED, actor=by.get_username())


def close(*, conversation_id: uuid.UUID, by: User) -> None:
    """Ends the hand-over as settled; the customer is told, and may go on with the assistant. Raises as `give_back`."""
    end(lock_for(conversation_id, by, waiting=True), HandoverState.CLOSED, actor=by.get_username())


def end(conversation: Conversation, state: HandoverState, *, actor: str) -> None:
    """Takes a conversation, whose row is locked, out of the inbox; harmless when it is not in it."""
    ended = Handover.objects.filter(conversation=conversation, state__in=OPEN_HANDOVERS)
    if not ended.update(state=state, ended_at=timezone.now()):
        return
    _set_handler(conversation, Handler.BOT)
    record_audit(actor=actor, action=f"handover.{state}", target=_target(conversation))
    tell(conversation, (FRAMES[state], {}))


def release(*, user_id: int) -> None:
    """Puts what a person has back into the queue, because they no longer work here."""
    for handover in Handover.objects.filter(taken_by=user_id, state=HandoverState.TAKEN):
        conversation = Conversation.objects.select_for_update().get(pk=handover.conversation_id)
        still = Handover.objects.filter(pk=handover.pk, taken_by=user_id, state=HandoverState.TAKEN)
        if still.update(state=HandoverState.WAITING, taken_by=None, taken_at=None):
            _set_handler(conversation, Handler.QUEUE)
            record_audit(actor="askwell", action="handover.released", target=_target(conversation))
            tell(conversation, ("handover.requested", {"reason": handover.reason}))


def leave_email(*, person: Person, conversation_id: uuid.UUID, address: str) -> None:
    """Keeps where a customer wants the answer to a conversation that waits; an empty address takes it back.

    Raises:
        NotFoundError: the conversation is not this person's, or is not in the inbox.
        ValidationError: that is no e-mail address.
    """
    address = address.replace("\0", "").strip()
    if address:
        validate_email(address)
    conversation = lock_conversation(person, conversation_id)
    kept = Handover.objects.filter(conversation=conversation, state__in=OPEN_HANDOVERS).update(email=address)
    if not kept:
        raise NotFoundError
    record_audit(actor=person.actor, action="handover.email", target=_target(conversation))


def name_of(user: User | None) -> str:
    """How customers read who writes."""
    return (user.get_full_name() or user.get_username()) if user else ""


def lock_with_handover(conversation_id: uuid.UUID, by: User) -> tuple[Conversation, Handover | None]:
    """A conversation with its row locked, and its open hand-over; for agents and owners only. Raises as `take_over`."""
    if not access_of(by, None).may(MemberRole.AGENT):
        raise PermissionDenied
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id, deleted_at=None).first()
    if conversation is None:
        raise NotFoundError
    handovers = Handover.objects.filter(conversation=conversation, state__in=OPEN_HANDOVERS)
    return conversation, handovers.select_related("taken_by").first()


def lock_for(conversation_id: uuid.UUID, by: User, *, waiting: bool = False) -> Conversation:
    """A conversation that a person has, with its row locked; `waiting` allows one in the queue too.

    Raises as `take_over`.
    """
    conversation, handover = lock_with_handover(conversation_id, by)
    if handover is None:
        raise HandoverError("This conversation is with the assistant again.")
    if handover.taken_by_id not in (None, by.pk):
        raise HandoverError(f"{name_of(handover.taken_by)} has this conversation now.")
    if handover.taken_by_id is None and not waiting:
        raise HandoverError("Take this conversation over first.")
    return conversation


def add_note(conversation: Conversation, by: User, text: str) -> Message:
    """Keeps what a colleague should know; customers never see it."""
    note: Message = Message.objects.create(
        conversation=conversation, role=Role.NOTE, author=by, text=clean(text).strip(), created_at=timezone.now()
    )
    audit(conversation, by, "noted")
    return note


def audit(conversation: Conversation, by: User, what: str, **detail: object) -> None:
    """Adds to the audit trail what a person did in a conversation."""
    record_audit(actor=by.get_username(), action=f"handover.{what}", target=_target(conversation), detail=detail)


def _set_handler(conversation: Conversation, handler: Handler) -> None:
    conversation.handled_by = handler
    Conversation.objects.filter(pk=conversation.pk).update(handled_by=handler)


def _target(conversation: Conversation) -> str:
    return f"conversation {conversation.pk}"
