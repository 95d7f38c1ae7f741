"""Which replies a reviewer looks at first, and what they found."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, Exists, F, FloatField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from agents.models import ExampleSource
from agents.routing import teaching
from chat.models import BEST_RATING, UNFINISHED, Handler, Message, Review, Role, Thumb
from chat.queries import LOW_RATING
from tenants.services import record_audit

UNSURE = 0.5  # a confidence below it
DISLIKED = 1.5  # stars that a thumb down alone counts as
RECENT = 500  # replies whose intents the filter offers

#: What a filter of the queue asks of a reply.
CONDITIONS: dict[str, Callable[[Any], Q]] = {
    "low": lambda _: Q(feedback__rating__lte=LOW_RATING) | Q(feedback__thumb=Thumb.DOWN),
    "unsure": lambda _: Q(confidence__lt=UNSURE) | Q(known=False),
    "handover": lambda _: ~Q(conversation__handled_by=Handler.BOT),
    "suspicious": lambda _: Q(trace__input__careful=True),
    "ungrounded": lambda _: Q(trace__grounding__share__lt=1),
    "intent": lambda intent: Q(intents__contains=[intent]),
    "document": lambda document: Q(citations__contains=[{"document_id": document}]),
    "since": lambda day: Q(created_at__gte=dt.datetime.combine(day, dt.time.min, dt.UTC)),
    "until": lambda day: Q(created_at__lt=dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, dt.UTC)),
    "q": lambda text: Q(text__icontains=text) | Q(reply_to__text__icontains=text),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A reply's neighbours in the queue."""

    previous: uuid.UUID | None
    next: uuid.UUID | None


def replies() -> "QuerySet[Message]":
    """Finished replies of the assistant, with what one shows of them."""
    found: QuerySet[Message] = (
        Message.objects.filter(role=Role.ASSISTANT, conversation__deleted_at=None)
        .exclude(state__in=UNFINISHED)
        .select_related("feedback", "reply_to", "conversation", "conversation__user")
    )
    return found


def queue(wanted: Mapping[str, Any]) -> "QuerySet[Message]":
    """The replies that fit the filters, worst first; without `state` those that nobody has reviewed."""
    found = replies().defer("trace", "html", "citations", "reply_to__trace")
    reviewed = Exists(Review.objects.filter(message=OuterRef("pk")))
    if wanted.get("state") != "all":
        found = found.filter(reviewed if wanted.get("state") == "reviewed" else ~reviewed)
    for name, condition in CONDITIONS.items():
        if name in wanted:
            found = found.filter(condition(wanted[name]))
    return found.annotate(badness=_badness()).order_by("-badness", "-created_at", "pk")


def _badness() -> Any:
    """How much a reply asks to be looked at: what is missing from five stars, and from being sure, 0..2."""
    best = Value(float(BEST_RATING))
    stars = Case(
        When(feedback__rating__isnull=False, then=F("feedback__rating")),
        When(feedback__thumb=Thumb.DOWN, then=Value(DISLIKED)),
        default=best,
        output_field=FloatField(),
    )
    doubt = Value(1.0) - Coalesce(F("confidence"), Value(0.0))
    return (best - stars) / Value(BEST_RATING - 1.0) + doubt


def place(listed: Sequence[Message], pk: uuid.UUID) -> Place:
    """The neighbours of a reply in the list; for one that is not in it, the next one is the first."""
    ids = [message.pk for message in listed]
    if pk not in ids:
        return Place(None, ids[0] if ids else None)
    at = ids.index(pk)
    return Place(ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None)


def recent_intents() -> list[str]:
    """The intents of the latest replies, for a filter to offer."""
    recent = Message.objects.filter(role=Role.ASSISTANT).order_by("-created_at").values_list("intents", flat=True)
    return sorted({intent for intents in recent[:RECENT] for intent in intents if isinstance(intent, str)})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reviewer says of a reply: a rating of 1 to 5, what is wrong in short words, a better answer, a note."""

    rating: int | None
    tags: tuple[str, ...]
    corrected: str
    note: str


def save_review(*, message: Message, reviewer: User, finding: Finding) -> Review:
    """Keeps what a reviewer found; a second finding of the same reviewer takes the place of the first."""
    values = {**asdict(finding), "tags": list(finding.tags)}
    created = {**values, "tenant_id": message.tenant_id}
    review: Review = Review.objects.update_or_create(
        message=message, reviewer=reviewer, defaults=values, create_defaults=created
    )[0]
    detail: dict[str, object] = {"rating": finding.rating}
    record_audit(actor=reviewer.get_username(), action="reply.reviewed", target=str(message.pk), detail=detail)
    return review


def taught_intent(message: Message) -> str:
    """The intent that reviewers, or a curator, gave the customer's message that a reply answers; empty for none."""
    return teaching.taught_intent(message.reply_to.text) if message.reply_to else ""


def correct_intent(*, message: Message, intent: str, reviewer: User) -> bool:
    """Makes the customer's message that a reply answers an example of `intent`.

    Returns:
        Whether that is news: one that was taught already stays as it is.

    Raises:
        ValidationError: there is no such intent.
    """
    if message.reply_to is None or intent == taught_intent(message):
        return False
    actor, text = reviewer.get_username(), message.reply_to.text
    teaching.add_example(intent=intent, text=text, actor=actor, source=ExampleSource.REVIEWER)
    return True
