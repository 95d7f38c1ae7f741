"""Reads that pages, sockets and commands share. All need the tenant's scope."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Left

from agents.context import PastMessage
from agents.models import Action
from chat.models import UNFINISHED, Conversation, FrameLog, Message, Role, State, Thumb
from tenants.access import Access
from tenants.scope import current_tenant_id

HISTORY_MESSAGES = 24  # messages before a question that the agent reads verbatim
TYPED_MESSAGES = 200  # latest ones of the customer in which identifiers are looked for
TYPED_CHARACTERS = 8_000  # of each, as many as the agent reads
FRAME_ROWS = 200  # rows of the log read at once
#: In the order of the model.
LOCKED_COLUMNS = ("tenant_id", "id", "user_id", "visitor", "summary", "handled_by", "last_seq", "server")

#: States of replies that are no part of what was said.
UNTOLD = [str(state) for state in (*UNFINISHED, State.FAILED)]
LOW_RATING = 2  # stars, and fewer
#: Of the statement that reads the history.
FIXED: dict[str, Any] = {
    "failed": str(State.FAILED), "down": str(Thumb.DOWN), "low": LOW_RATING, "assistant": str(Role.ASSISTANT),
    "unfinished": [str(state) for state in UNFINISHED], "note": str(Role.NOTE), "untold": UNTOLD,
    "most": HISTORY_MESSAGES,
}  # fmt: skip


class NotFoundError(Exception):
    """There is no such thing, or it is somebody else's: nobody is told which."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose conversations: a signed-in user's or an anonymous visitor's.

    `token` is what a shop's own site says of which customer they are, for the conversations they begin. `address` is
    where they are now, for the limits of `chat.throttle`; empty where addresses are not limited.
    """

    user: int | None
    visitor: uuid.UUID | None
    token: str = ""
    address: str = ""

    @property
    def key(self) -> str:
        """A text that no other person has."""
        return f"user:{self.user}" if self.user else f"visitor:{self.visitor}"

    @property
    def actor(self) -> str:
        """Their name in the audit trail."""
        return self.key.replace(":", " ")

    @property
    def owns(self) -> Q:
        """The condition on conversations that makes them this person's."""
        return Q(user_id=self.user) if self.user else Q(user=None, visitor=self.visitor)


def person_of(access: Access) -> Person:
    """The person behind an access; NotFoundError for a request with neither user nor visitor."""
    if access.user:
        return Person(access.user.pk, None)
    if access.visitor is None:
        raise NotFoundError
    return Person(None, access.visitor)


def conversations_of(person: Person) -> "QuerySet[Conversation]":
    """A person's conversations, latest first."""
    conversations: QuerySet[Conversation] = Conversation.objects.filter(person.owns, deleted_at=None)
    return conversations


def find_conversation(person: Person, conversation_id: uuid.UUID) -> Conversation:
    """A conversation of this person; NotFoundError otherwise."""
    found = conversations_of(person).filter(pk=conversation_id).first()
    if found is None:
        raise NotFoundError
    return found


def find_message(person: Person, message_id: uuid.UUID) -> Message:
    """A message in a conversation of this person, without its trace; NotFoundError otherwise."""
    mine = conversations_of(person).filter(pk__in=Message.objects.filter(pk=message_id).values("conversation"))
    found: Message | None = Message.objects.filter(pk=message_id, conversation__in=mine).defer("trace").first()
    if found is None:
        raise NotFoundError
    return found


def messages_of(conversation: Conversation) -> "QuerySet[Message]":
    """What the customer sees of a conversation, in order, with feedback, without traces."""
    messages: QuerySet[Message] = (
        Message.objects.filter(conversation=conversation)
        .exclude(role=Role.NOTE)
        .select_related("feedback", "author")
        .defer("trace")
        .order_by("created_at")
    )
    return messages


def resume_point(conversation: Conversation) -> int:
    """The `after` with which a page that shows a conversation resumes.

    Read the conversation before its messages. Unfinished replies are to be shown empty: their frames come again.
    """
    unfinished = Message.objects.filter(conversation=conversation, state__in=UNFINISHED).exclude(seq=None)
    first = unfinished.aggregate(first=Min("seq"))["first"]
    return conversation.last_seq if first is None else min(conversation.last_seq, first - 1)


def lock_conversation(person: Person, conversation_id: uuid.UUID) -> Conversation:
    """A person's conversation with its row locked, so that nobody else gives it numbers; NotFoundError otherwise.

    Only the columns a turn needs are loaded. SQL of its own, as in `history_before`: every turn pays for both, and the
    ORM takes .7 ms each to put the same statement together.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(LOCKED_COLUMNS)} FROM chat_conversation WHERE id = %s AND tenant_id = %s "  # noqa: S608 (constants)
            "AND deleted_at IS NULL AND (user_id = %s OR (user_id IS NULL AND visitor = %s)) FOR UPDATE",
            [conversation_id, current_tenant_id(), person.user, person.visitor],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFoundError
    return Conversation.from_db("default", LOCKED_COLUMNS, row)


@dataclass(frozen=True, slots=True)
class Past:
    """The last messages before a question, oldest first, as the agent reads them.

    `failed` says that the conversation's latest reply failed, did not know, came from a stand-in or was rated badly.
    """

    messages: tuple[PastMessage, ...]
    failed: bool


def history_before(conversation_id: uuid.UUID, question: Message) -> Past:
    """What was said before a question, and how the reply before went: one statement, since every turn pays for it."""
    here: dict[str, Any] = {"conversation": conversation_id, "tenant": current_tenant_id()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT role, text, id, (SELECT l.state = %(failed)s OR NOT l.known OR l.degraded "
            "OR coalesce(f.thumb = %(down)s OR f.rating <= %(low)s, false) FROM chat_message l "
            "LEFT JOIN chat_feedback f ON f.message_id = l.id AND f.tenant_id = l.tenant_id "
            "WHERE l.conversation_id = %(conversation)s AND l.tenant_id = %(tenant)s AND l.role = %(assistant)s "
            "AND l.state <> ALL(%(unfinished)s) ORDER BY l.created_at DESC LIMIT 1) "
            "FROM chat_message WHERE conversation_id = %(conversation)s AND tenant_id = %(tenant)s "
            "AND created_at < %(asked)s AND role <> %(note)s AND state <> ALL(%(untold)s) AND text <> '' "
            "ORDER BY created_at DESC LIMIT %(most)s",
            here | FIXED | {"asked": question.created_at},
        )
        rows = cursor.fetchall()
    messages = (
        PastMessage("customer" if role == Role.CUSTOMER else "assistant", text, str(pk))
        for role, text, pk, _ in reversed(rows)
    )
    return Past(tuple(messages), failed=bool(rows and rows[0][3]))


def typed_by_customer(conversation_id: uuid.UUID) -> tuple[str, ...]:
    """What the customer wrote in a conversation, oldest first: the last TYPED_MESSAGES.

    Buttons they pressed are not writing.
    """
    written = Message.objects.filter(conversation_id=conversation_id, role=Role.CUSTOMER, action=None)
    last = written.order_by("-created_at").values_list(Left("text", TYPED_CHARACTERS), flat=True)[:TYPED_MESSAGES]
    return tuple(reversed(last))


def conversation_of_action(person: Person, action_id: uuid.UUID) -> Conversation:
    """The conversation in which an action was proposed to this person; NotFoundError for anybody else's."""
    conversation = Action.objects.filter(pk=action_id).values_list("conversation", flat=True).first()
    if conversation is None:
        raise NotFoundError
    return find_conversation(person, conversation)


def read_frames(conversation_id: uuid.UUID, after: int) -> list[str]:
    """Frames of a conversation that follow number `after` in the log, in order; at most FRAME_ROWS rows of them."""
    rows = (
        FrameLog.objects.filter(conversation_id=conversation_id, last_seq__gt=after)
        .order_by("last_seq")
        .values_list("first_seq", "lines")[:FRAME_ROWS]
    )
    return [line for first, lines in rows for line in lines.split("\n")[max(0, after + 1 - first) :]]


@dataclass(frozen=True, slots=True)
class News:
    """What the log holds of a conversation past a position, which process runs a reply there, and who answers."""

    frames: list[str]
    server: uuid.UUID | None
    handled_by: str


def read_news(positions: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, News]:
    """News of many conversations in one query; position is the number of the last frame known."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.server, c.handled_by, v.seq, f.first_seq, f.lines
            FROM unnest(%s::uuid[], %s::int[]) AS v(id, seq)
            JOIN chat_conversation c ON c.id = v.id AND c.tenant_id = %s
            LEFT JOIN chat_framelog f ON f.conversation_id = v.id AND f.last_seq > v.seq AND f.tenant_id = c.tenant_id
            ORDER BY c.id, f.last_seq
            """,
            [list(positions), list(positions.values()), current_tenant_id()],
        )
        rows: list[Any] = cursor.fetchall()
    news: dict[uuid.UUID, News] = {}
    for conversation, server, handled_by, seq, first, lines in rows:
        entry = news.setdefault(conversation, News([], server, handled_by))
        if lines is not None:
            entry.frames.extend(lines.split("\n")[max(0, seq + 1 - first) :])
    return news
