"""What people do in a conversation that they have: write, keep notes, and decide on changes. In the tenant's scope."""

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from agents import actions
from agents.actions.outcomes import Decided, as_events
from agents.events import ActionDone
from agents.models import ActionState
from chat import cards, handover
from chat.framelog import stopped_fields, tell
from chat.frames import TEXT_LIMIT, clean
from chat.handover import HandoverError, lock_for, lock_with_handover, name_of
from chat.models import Conversation, Handover, HandoverReason, HandoverState, Message, Role
from chat.rendering import render_reply
from tenants.models import Tenant


def write_message(*, conversation_id: uuid.UUID, by: User, text: str, client_id: str) -> Message:
    """Says something to the customer; a known client_id gives the message there is.

    Raises:
        NotFoundError: there is no such conversation.
        HandoverError: it is not this person's, or the text is empty or too long.
        PermissionDenied: for anybody but agents and owners.
    """
    conversation = lock_for(conversation_id, by)
    key = f"agent:{by.pk}"
    before: Message | None = Message.objects.filter(person=key, client_id=client_id).first()
    if before:
        return before
    message = _say(conversation, _fit(text), by, person=key, client_id=client_id)
    handover.audit(conversation, by, "answered")
    return message


def write_note(*, conversation_id: uuid.UUID, by: User, text: str) -> Message:
    """Keeps a note for colleagues, whoever has the conversation. Raises as `write_message`."""
    conversation, _ = lock_with_handover(conversation_id, by)
    return handover.add_note(conversation, by, _fit(text))


def approve_action(*, action_id: uuid.UUID, by: User) -> Decided:
    """Agrees to a change that waits for approval; the customer is told what became of it.

    One of another server's runs soon after, and is told of then. A conversation that waited for nothing else leaves the
    inbox. Raises as `agents.actions.approve`.
    """
    decided = actions.approve(action_id=action_id, by=by)
    return _told(decided, by)


def refuse_action(*, action_id: uuid.UUID, by: User, reason: str = "") -> Decided:
    """Refuses a change that waits for approval; the customer reads the reason. Raises as `agents.actions.refuse`."""
    return _told(actions.refuse(action_id=action_id, by=by, reason=reason), by)


def _told(decided: Decided, by: User) -> Decided:
    if decided.ran and decided.state != ActionState.RUNNING:
        tell_outcome(decided, by)
    return decided


def tell_outcome(decided: Decided, by: User | None) -> None:
    """Tells the customer what became of a change, and sees to it that a person looks where one has to."""
    action = decided.action
    conversation = Conversation.objects.select_for_update().filter(pk=action.conversation, deleted_at=None).first()
    if conversation is None:
        return
    tenant = Tenant.objects.get(pk=action.tenant_id)
    done = next(event for event in as_events(decided) if isinstance(event, ActionDone))
    tell(conversation, ("action.done", {"message": str(action.reply), **cards.done_fields(done, tenant)}))
    _say(conversation, decided.outcome, by)
    if decided.handover:
        handover.request_handover(
            conversation_id=conversation.pk, reason=decided.handover, summary=action.summary, announce=True
        )
    else:
        _leave_if_settled(conversation, by)


def _leave_if_settled(conversation: Conversation, by: User | None) -> None:
    """Takes a conversation out of the queue that was in it for an approval, and for no other."""
    waiting = Handover.objects.filter(
        conversation=conversation, state=HandoverState.WAITING, reason=HandoverReason.APPROVAL
    )
    if waiting.exists() and not actions.waiting_for_approval(conversation.pk).exists():
        handover.end(conversation, HandoverState.RETURNED, actor=by.get_username() if by else "askwell")


def _say(conversation: Conversation, text: str, by: User | None, **columns: Any) -> Message:
    """Adds a person's message to a conversation whose row is locked, and makes it known."""
    now = timezone.now()
    message: Message = Message.objects.create(
        conversation=conversation, role=Role.PERSON, author=by, text=text, html=render_reply(text), finish="person",
        created_at=now, finished_at=now, **columns,
    )  # fmt: skip
    pk = str(message.pk)
    ending = {**stopped_fields(text, message.html), "finish": "person", "confidence": 1.0}
    tell(
        conversation,
        ("run.started", {"message": pk, "reply_to": None}),
        ("message.delta", {"message": pk, "text": text}),
        ("message.done", {"message": pk, **ending, "author": {"name": name_of(by)}}),
    )
    return message


def _fit(text: str) -> str:
    text = clean(text).strip()
    if not text:
        raise HandoverError("Write something first.")
    if len(text) > TEXT_LIMIT:
        raise HandoverError(f"A message holds up to {TEXT_LIMIT:,} characters; this one has {len(text):,}.")
    return text
