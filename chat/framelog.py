"""Frames on their way into a conversation's log: the rows they go into, and the numbers they get under its row's lock.

Whoever holds the lock of a conversation that no process runs gives the next numbers, by a Log. Where a process does run
it, that process numbers frames in memory, and what others want told there waits for it: customers' messages without a
number, and notices.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from agents.actions.queries import is_eventful
from agents.context import Decision, Turn
from agents.models import Action, ActionState
from chat.frames import encode_numbered
from chat.models import PASSED_ON, Conversation, FrameLog, Handler, Message, Notice, Role, State
from chat.queries import Past, history_before
from tenants.models import Tenant
from tenants.scope import current_tenant_id

#: Most frames a process shows before they are in the log: two seconds of a fast reply.
SHOWN_AHEAD = 64
INTERRUPTED = "The reply was interrupted on our side. Please try again."
GOES_ON = "The reply was interrupted on our side. Nothing is lost: it begins again by itself."
MOST_BREAKS = 3  # interrupted replies to one message after which it no longer begins again by itself


@dataclass(frozen=True, slots=True)
class Job:
    """A reply that is marked as running, for the process that is to run it."""

    tenant: Tenant
    conversation: uuid.UUID
    person: str
    question: uuid.UUID
    reply: uuid.UUID
    turn: Turn


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames `first` to `last` of a conversation to log, with the text so far of the reply they belong to.

    `announced` are the rows that waited for some of these frames.
    """

    conversation: uuid.UUID
    first: int
    last: int
    frames: Sequence[str]
    reply: uuid.UUID | None = None
    text: str = ""
    announced: Sequence["Announced"] = ()


class Announced(NamedTuple):
    """A row that waited to be told of in a conversation, and the number of the frame that tells the last of it."""

    row: uuid.UUID
    seq: int
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """A customer's message, or a notice, that is not in the log of its conversation yet; `frames` tell of it."""

    row: uuid.UUID
    created_at: datetime
    frames: Sequence[tuple[str, dict[str, Any]]]
    notice: bool = False


def untold(conversation_id: uuid.UUID) -> list[Untold]:
    """What waits to be told in a conversation, oldest first."""
    messages = Message.objects.filter(conversation_id=conversation_id, role=Role.CUSTOMER, seq=None)
    columns = messages.only("id", "client_id", "text", "action", "confirmed", "finish", "created_at")
    waiting = [Untold(m.pk, m.created_at, [("message.accepted", accepted_fields(m))]) for m in columns]
    notices = Notice.objects.filter(conversation_id=conversation_id)
    waiting += [Untold(n.pk, n.created_at, [(kind, told) for kind, told in n.frames], notice=True) for n in notices]
    return sorted(waiting, key=lambda item: item.created_at)


def tell(conversation: Conversation, *frames: tuple[str, dict[str, Any]]) -> None:
    """Makes frames known in a conversation whose row is locked: at once, or by the process that runs its replies.

    What waits is told with what that process logs next, and by whoever takes over from it: once, in either case.
    """
    if conversation.server is None:
        log = Log(conversation)
        for item in untold(conversation.pk):
            log.tell(item)
        for kind, fields in frames:
            log.add(kind, **fields)
        log.save()
    else:
        Notice.objects.create(conversation=conversation, frames=[list(frame) for frame in frames])
        conversation.attention = True
        Conversation.objects.filter(pk=conversation.pk).update(attention=True, updated_at=timezone.now())


class Log:
    """Frames added to a conversation whose row is locked, while no process numbers them in memory."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation, self.base, self.frames = conversation, conversation.last_seq, list[str]()
        self.announced: list[Announced] = []

    def add(self, frame_type: str, /, **fields: Any) -> int:
        """Gives a frame the next number; returns it."""
        seq = self.conversation.last_seq = self.conversation.last_seq + 1
        self.frames.append(encode_numbered(str(self.conversation.pk), seq, frame_type, **fields))
        return seq

    def accept(self, message: Message) -> None:
        """Acknowledges a customer's message, in the row that is yet to be saved."""
        message.seq = self.add("message.accepted", **accepted_fields(message))

    def tell(self, item: Untold) -> None:
        """Tells of a row that waited for it."""
        numbers = [self.add(kind, **fields) for kind, fields in item.frames]
        self.announced.append(Announced(item.row, numbers[-1], item.notice))

    def start(self, tenant: Tenant, reply: Message) -> Job:
        """Marks a queued reply as running."""
        question = reply.reply_to
        assert question is not None  # noqa: S101 (every reply of the assistant answers a message)
        seq = self.add("run.started", message=str(reply.pk), reply_to=str(question.pk))
        Message.objects.filter(pk=reply.pk).update(state=State.RUNNING, seq=seq, started_at=timezone.now())
        return job_of(tenant, self.conversation, question, reply.pk)

    def stop(self, reply: Message, *, error: str = "") -> None:
        """Ends a reply that was stopped before it began."""
        seq = self.add("message.done", message=str(reply.pk), **stopped_fields(""))
        Message.objects.filter(pk=reply.pk).update(
            state=State.STOPPED, finish="stopped", error=error, finished_at=timezone.now(), seq=seq
        )

    def interrupt(self, reply: Message) -> None:
        """Ends a reply whose process is gone with the text it had; one that may hold a confirmation begins again."""
        question = reply.reply_to
        again = question is not None and _may_confirm(question) and _breaks(question) < MOST_BREAKS
        detail = GOES_ON if again else INTERRUPTED
        shown = reply.text or detail
        self.add("message.failed", message=str(reply.pk), text=shown, detail=detail, retryable=not again)
        Message.objects.filter(pk=reply.pk).update(
            state=State.INTERRUPTED, error="interrupted", finish="interrupted", finished_at=timezone.now()
        )
        if question and again:
            reply_to(question, reply.created_at).save(force_insert=True)  # ahead of those that wait

    def write(self) -> None:
        """Writes the frames."""
        with connection.cursor() as cursor:
            write_batches(cursor, [Batch(self.conversation.pk, self.base + 1, self.conversation.last_seq, self.frames)])
            mark_announced(cursor, self.announced)

    def save(self, *, attention: bool = False) -> None:
        """Writes the frames and the conversation's row."""
        self.write()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE chat_conversation SET last_seq = %s, server = %s, attention = %s, updated_at = now() "
                "WHERE id = %s AND tenant_id = %s",
                (
                    *(self.conversation.last_seq, self.conversation.server, attention),
                    *(self.conversation.pk, current_tenant_id()),
                ),
            )


def _may_confirm(question: Message) -> bool:
    """Whether a message is a pressed button, or may be the plain yes to a change that is still open."""
    if question.action is not None:
        return True
    waiting = Q(state=ActionState.PROPOSED, expires_at__gt=timezone.now()) | Q(state=ActionState.RUNNING)
    proposed = Action.objects.filter(waiting, conversation=question.conversation_id)
    return bool(proposed.filter(created_at__lt=question.created_at).exists())


def _breaks(question: Message) -> int:
    """How many replies to a message have been interrupted."""
    count: int = Message.objects.filter(reply_to=question, state=State.INTERRUPTED).count()
    return count


def job_of(
    tenant: Tenant, conversation: Conversation, question: Message, reply: uuid.UUID, *, alone: bool = False
) -> Job:
    """The work of answering a question, with the conversation before it; `alone` says that there is none."""
    owner = f"user:{conversation.user_id}" if conversation.user_id else f"visitor:{conversation.visitor}"
    decision = Decision(question.action, confirmed=bool(question.confirmed)) if question.action else None
    past = Past((), failed=False) if alone else history_before(conversation.pk, question)
    turn = Turn(
        tenant_id=tenant.pk,
        tenant_name=tenant.name,
        language=tenant.language,
        conversation=str(conversation.pk),
        question=question.text,
        history=past.messages,
        summary=conversation.summary,
        reply=str(reply),
        user=conversation.user_id,
        actor=owner.replace(":", " "),
        decision=decision,
        eventful=not alone and is_eventful(conversation.pk),
        failed_before=past.failed,
        quiet=conversation.handled_by == Handler.PERSON,
    )
    return Job(tenant, conversation.pk, owner, question.pk, reply, turn)


def reply_to(question: Message, after: datetime) -> Message:
    """A queued reply that follows a moment: that of its question, or of the reply it takes the place of."""
    return Message(
        tenant_id=question.tenant_id, conversation_id=question.conversation_id, role=Role.ASSISTANT, reply_to=question,
        state=State.QUEUED, created_at=after + timedelta(microseconds=1),
    )  # fmt: skip


def accepted_fields(message: Message) -> dict[str, Any]:
    """Fields of `message.accepted`; the text is for the customer's other windows."""
    pressed = {"action": str(message.action), "confirmed": message.confirmed} if message.action else {}
    passed_on = {"handled_by": str(Handler.PERSON)} if message.finish == PASSED_ON else {}
    return {"client_id": message.client_id, "message": str(message.pk), "text": message.text, **pressed, **passed_on}


def stopped_fields(text: str, html: str = "") -> dict[str, Any]:
    """Fields of `message.done` for a reply that the customer stopped."""
    return {
        "text": text, "html": html, "citations": [], "confidence": 0.0, "intents": [],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "estimated": True},
        "cost": 0.0, "cached": False, "model": "", "finish": "stopped",
    }  # fmt: skip


def write_batches(cursor: Any, batches: Sequence[Batch]) -> None:
    """Adds frames to the log, a row for each batch."""
    batches = [b for b in batches if b.frames]
    if batches:
        cursor.execute(
            f"INSERT INTO {FrameLog._meta.db_table} (tenant_id, conversation_id, first_seq, last_seq, lines) "  # noqa: S608, SLF001 (a constant)
            "SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::text[])",
            (
                *(current_tenant_id(), [b.conversation for b in batches], [b.first for b in batches]),
                *([b.last for b in batches], ["\n".join(b.frames) for b in batches]),
            ),
        )


def mark_announced(cursor: Any, announced: Sequence[Announced]) -> None:
    """Notes that rows have been told of: messages by their number, notices by their end."""
    messages = [item for item in announced if not item.notice]
    if messages:
        cursor.execute(
            "UPDATE chat_message m SET seq = v.seq FROM unnest(%s::uuid[], %s::int[]) AS v(id, seq) "
            "WHERE m.id = v.id AND m.tenant_id = %s",
            [[item.row for item in messages], [item.seq for item in messages], current_tenant_id()],
        )
    notices = [item.row for item in announced if item.notice]
    if notices:
        Notice.objects.filter(pk__in=notices).delete()
