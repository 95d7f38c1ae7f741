"""A long conversation a stretch at a time: no page, and no query for one, grows with the conversation.

A stretch ends after so many messages, or where their texts come to more than a page should hold. Its ends are found by
the time and id of a message (keyset pagination: Winand, "SQL Performance Explained", 2012), so that what is written
meanwhile shifts nothing.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from chat.models import BROKEN_OFF, Message

MESSAGES = 100  # of a stretch
CHARACTERS = 250_000  # of their texts, all together; one longer message is a stretch by itself


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages that follow each other, oldest first, and whether there are others before and after them."""

    messages: list[Message]
    earlier: bool = False
    later: bool = False

    @property
    def first(self) -> Message | None:
        return self.messages[0] if self.messages else None

    @property
    def last(self) -> Message | None:
        return self.messages[-1] if self.messages else None

    @property
    def begins(self) -> datetime | None:
        """When it begins; None for the beginning of the conversation."""
        return self.messages[0].created_at if self.earlier and self.messages else None


def latest(messages: "QuerySet[Message]", *, before: Message | None = None, most: int = MESSAGES) -> Stretch:
    """The last of some messages, or the last before one of them."""
    if before:
        messages = messages.filter(_precedes(before))
    ids, more = _ids(messages.order_by("-created_at", "-pk"), most)
    return Stretch(_read(messages, ids), earlier=more, later=before is not None)


def around(messages: "QuerySet[Message]", middle: Message) -> Stretch:
    """As many messages before one as after it, and the one itself."""
    half = MESSAGES // 2
    before, earlier = _ids(messages.filter(_precedes(middle)).order_by("-created_at", "-pk"), half)
    after, later = _ids(messages.filter(_follows(middle)).order_by("created_at", "pk"), half)
    return Stretch(_read(messages, [*before, middle.pk, *after]), earlier, later)


def since(messages: "QuerySet[Message]", first: Message) -> Stretch:
    """A message and those after it; where they have become too many, the last of all."""
    following = messages.filter(_follows(first) | Q(pk=first.pk), created_at__gte=first.created_at)
    ids, more = _ids(following.order_by("created_at", "pk"), 2 * MESSAGES)
    if more:
        return latest(messages)
    return Stretch(_read(messages, ids), earlier=messages.filter(_precedes(first)).exists())


def without_superseded(messages: "QuerySet[Message]") -> "QuerySet[Message]":
    """Leaves out replies that came to nothing and whose question was asked again."""
    again = Message.objects.filter(reply_to=OuterRef("reply_to"), created_at__gt=OuterRef("created_at"))
    return messages.exclude(Q(state__in=BROKEN_OFF) & Exists(again))


def _precedes(message: Message) -> Q:
    """The first condition says nothing new: it is the one that an index can use."""
    at = message.created_at
    return Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(pk__lt=message.pk))


def _follows(message: Message) -> Q:
    at = message.created_at
    return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(pk__gt=message.pk))


def _ids(ordered: "QuerySet[Message]", most: int) -> tuple[list[uuid.UUID], bool]:
    """The first messages of an order that a stretch has room for, and whether there are more."""
    sizes = ordered.annotate(size=Length(F("text"))).values_list("pk", "size")
    found, room = list(sizes[: most + 1]), CHARACTERS
    for count, (_, size) in enumerate(found):
        room -= size
        if count == most or (room < 0 and count):
            return [pk for pk, _ in found[:count]], True
    return [pk for pk, _ in found], False


def _read(messages: "QuerySet[Message]", ids: Iterable[uuid.UUID]) -> list[Message]:
    return list(messages.filter(pk__in=list(ids)).order_by("created_at", "pk"))
