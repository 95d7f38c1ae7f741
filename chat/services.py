"""What customers change: messages, retries, stops, feedback; and the care of their conversations."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.utils import timezone

from agents.context import Decision
from agents.models import Action, ActionState
from chat import handover
from chat.framelog import Job, Log, job_of, reply_to
from chat.frames import DecideAction, FrameError, client_id_of
from chat.message_rows import insert_messages
from chat.models import (
    BROKEN_OFF,
    PASSED_ON,
    TITLE_LENGTH,
    UNFINISHED,
    Conversation,
    Feedback,
    Handler,
    HandoverState,
    Message,
    Role,
    State,
)
from chat.queries import (
    NotFoundError,
    Person,
    conversation_of_action,
    find_conversation,
    find_message,
    lock_conversation,
)
from chat.shop_tokens import bind_conversation
from chat.throttle import bursts, count_turn
from chat.wording import words_of
from tenants.models import Tenant
from tenants.scope import current_tenant_id, tenant_scope


@dataclass(frozen=True, slots=True)
class Posted:
    """A customer's message that is now in the database, with the reply that is to come.

    `base` is the number of the last frame before it in the log, `frames` those that this call added. With a `job` the
    reply runs, in the process that called; without, another reply runs first, in the process `server`, or nothing is
    left to do. A socket that does not follow the conversation yet should follow it from after number `after`.
    """

    conversation: uuid.UUID
    message: uuid.UUID
    after: int
    base: int
    frames: tuple[str, ...] = ()
    job: Job | None = None
    server: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What a customer wrote; `opens` tells that the conversation is to be made, with this id.

    With a `decision` it is a button that they pressed.
    """

    conversation: uuid.UUID
    opens: bool
    client_id: str
    text: str
    decision: Decision | None = None


def post_message(*, server: uuid.UUID, tenant: Tenant, person: Person, message: NewMessage) -> Posted:
    """Takes a customer's message, in a transaction of its own; a known client_id gives the message there is.

    Raises NotFoundError for a conversation that is not this person's, RateLimitedError for one message too many; what a
    pressed button says is not counted.
    """
    counted = message.decision is None
    if counted:
        bursts.check(tenant, person)
    try:
        with tenant_scope(tenant.pk):
            posted = _post(server, tenant, person, message)
            if counted:
                count_turn(tenant=tenant, person=person)
            return posted
    except IntegrityError:
        with tenant_scope(tenant.pk):
            mine = Message.objects.filter(person=person.key, client_id=message.client_id)
            before = mine.select_related("conversation").first()
            if before is None:
                raise
            return _posted_before(before)


def _post(server: uuid.UUID, tenant: Tenant, person: Person, message: NewMessage) -> Posted:
    now = timezone.now()
    conversation = (
        _create(tenant, person, message) if message.opens else lock_conversation(person, message.conversation)
    )
    base, idle = conversation.last_seq, conversation.server is None
    question = Message(
        tenant=tenant, conversation=conversation, role=Role.CUSTOMER, person=person.key, client_id=message.client_id,
        text=message.text, created_at=now,
    )  # fmt: skip
    reply = _answering(question, conversation, message)
    log = Log(conversation)
    if idle:
        log.accept(question)
    job = _start(log, server, tenant, reply, alone=message.opens) if idle and reply else None
    if message.opens:
        conversation.save(force_insert=True)
    insert_messages([question, reply] if reply else [question])
    if message.opens and person.token:
        bind_conversation(conversation=conversation.pk, token=person.token, actor=person.actor, user=person.user)
    _close(log, now, idle=idle, saved=message.opens)
    after = base if idle else _running_since(conversation)
    return Posted(conversation.pk, question.pk, after, base, tuple(log.frames), job, conversation.server)


def _answering(question: Message, conversation: Conversation, message: NewMessage) -> Message | None:
    """The reply that is to come; none while a person answers, unless a decision is to be carried out."""
    if message.decision:
        question.action, question.confirmed = message.decision.action, message.decision.confirmed
    elif conversation.handled_by == Handler.PERSON:
        question.finish = PASSED_ON
        return None
    return reply_to(question, question.created_at)


def _start(log: Log, server: uuid.UUID, tenant: Tenant, reply: Message, *, alone: bool) -> Job:
    """Begins a reply that is yet to be saved, in the process that calls."""
    question = reply.reply_to
    assert question is not None  # noqa: S101 (every reply of the assistant answers a message)
    reply.state, reply.started_at, log.conversation.server = State.RUNNING, question.created_at, server
    reply.seq = log.add("run.started", message=str(reply.pk), reply_to=str(question.pk))
    return job_of(tenant, log.conversation, question, reply.pk, alone=alone)


def _create(tenant: Tenant, person: Person, message: NewMessage) -> Conversation:
    return Conversation(
        id=message.conversation, tenant=tenant, user_id=person.user, visitor=person.visitor,
        title=" ".join(message.text.split())[:TITLE_LENGTH], updated_at=timezone.now(),
    )  # fmt: skip


def _close(log: Log, now: datetime, *, idle: bool, saved: bool = False) -> None:
    """Saves a conversation that got a message; tells the process that runs its replies to look if it is busy."""
    if saved:
        log.write()
    elif idle:
        log.save()
    else:
        Conversation.objects.filter(pk=log.conversation.pk).update(attention=True, updated_at=now)


def _running_since(conversation: Conversation) -> int:
    running = (
        Message.objects.filter(conversation=conversation, state=State.RUNNING).values_list("seq", flat=True).first()
    )
    return conversation.last_seq if running is None else running - 1


def _posted_before(message: Message) -> Posted:
    conversation = message.conversation
    after = _running_since(conversation) if message.seq is None else message.seq - 1
    return Posted(conversation.pk, message.pk, after, conversation.last_seq, server=conversation.server)


def retry_reply(
    *, server: uuid.UUID, tenant: Tenant, person: Person, message_id: uuid.UUID, counted: bool = True
) -> Posted:
    """Asks the question of a finished reply again; harmless while an answer to it is still to come.

    Raises NotFoundError for a reply that is not in a conversation of this person, FrameError while a person answers,
    and RateLimitedError as `post_message` where it is `counted`.
    """
    if counted:
        bursts.check(tenant, person)
    with tenant_scope(tenant.pk):
        old = find_message(person, message_id)
        if old.reply_to_id is None:
            raise NotFoundError
        conversation = lock_conversation(person, old.conversation_id)
        question = Message.objects.defer("trace").get(pk=old.reply_to_id)
        base, idle, now = conversation.last_seq, conversation.server is None, timezone.now()
        if Message.objects.filter(reply_to=question, state__in=UNFINISHED).exists():
            return Posted(conversation.pk, question.pk, _running_since(conversation), base, server=conversation.server)
        if conversation.handled_by == Handler.PERSON and question.action is None:
            raise FrameError("person_answers", "A colleague answers here now and can see your question.")
        reply = reply_to(question, now)
        log = Log(conversation)
        reply.save(force_insert=True)
        job = log.start(tenant, reply) if idle else None
        conversation.server = conversation.server or server
        _close(log, now, idle=idle)
        after = base if idle else _running_since(conversation)
        if counted:
            count_turn(tenant=tenant, person=person)
        return Posted(conversation.pk, question.pk, after, base, tuple(log.frames), job, conversation.server)


def decide(*, server: uuid.UUID, tenant: Tenant, person: Person, decision: DecideAction) -> Posted:
    """Takes a customer's word on a proposed action: a message like any other, the same one however often it is pressed.

    One whose reply broke off, or left the action as it was, is answered anew. Raises NotFoundError for an action that
    was not proposed to them.
    """
    client_id = client_id_of(decision)
    with tenant_scope(tenant.pk):
        conversation = conversation_of_action(person, decision.action)
        pressed = Message.objects.filter(reply_to__person=person.key, reply_to__client_id=client_id)
        last = pressed.order_by("-created_at").defer("trace").first()
        still_open = Action.objects.filter(pk=decision.action, state=ActionState.PROPOSED).exists()
    if last and last.finished and (still_open or last.state in BROKEN_OFF):
        return retry_reply(server=server, tenant=tenant, person=person, message_id=last.pk, counted=False)
    text = words_of(tenant.language)["yes" if decision.confirmed else "no"]
    word = Decision(decision.action, decision.confirmed)
    message = NewMessage(conversation.pk, opens=False, client_id=client_id, text=text, decision=word)
    return post_message(server=server, tenant=tenant, person=person, message=message)


def ask_stop(*, person: Person, message_id: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Asks for the end of a reply, named by its own id or that of its question; harmless when it has ended.

    Returns the conversation and the process that runs it.
    """
    message = find_message(person, message_id)
    named = {"pk": message.pk} if message.role == Role.ASSISTANT else {"reply_to": message}
    asked = Message.objects.filter(state__in=UNFINISHED, **named).update(stop_asked=True)
    if asked:
        Conversation.objects.filter(pk=message.conversation_id).update(attention=True)
    server = Conversation.objects.values_list("server", flat=True).get(pk=message.conversation_id)
    return message.conversation_id, server


def give_feedback(
    *, person: Person, message_id: uuid.UUID, rating: int | None, thumb: str = "", comment: str | None = None
) -> Feedback:
    """What a customer thinks of a reply in their own conversation; later feedback takes the place of earlier.

    A comment of None keeps the one there is. Raises NotFoundError for anything that is not a reply to this person.
    """
    message = find_message(person, message_id)
    if message.role == Role.CUSTOMER:
        raise NotFoundError
    values = {"rating": rating, "thumb": thumb} | ({} if comment is None else {"comment": comment})
    feedback: Feedback = Feedback.objects.update_or_create(
        message=message, defaults=values, create_defaults={**values, "tenant_id": current_tenant_id()}
    )[0]
    return feedback


def rename_conversation(*, person: Person, conversation_id: uuid.UUID, title: str) -> Conversation:
    """Gives a person's conversation another title; an empty one changes nothing."""
    conversation = find_conversation(person, conversation_id)
    title = " ".join(title.replace("\0", "").split())[:TITLE_LENGTH]
    if title:
        conversation.title = title
        conversation.save(update_fields=["title"])
    return conversation


def delete_conversation(*, person: Person, conversation_id: uuid.UUID) -> None:
    """Takes a conversation off its person's list; it is not found any more, and a reply under way is asked to stop.

    It leaves the inbox, too.
    """
    conversation = lock_conversation(person, conversation_id)
    Message.objects.filter(conversation=conversation, state__in=UNFINISHED).update(stop_asked=True)
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=timezone.now(), attention=True)
    handover.end(conversation, HandoverState.CLOSED, actor=person.actor)


def adopt_visitor(*, visitor: uuid.UUID, user_id: int) -> int:
    """Gives an anonymous visitor's conversations to the user they signed in as; returns how many."""
    moved: int = Conversation.objects.filter(user=None, visitor=visitor).update(user_id=user_id, visitor=None)
    return moved
