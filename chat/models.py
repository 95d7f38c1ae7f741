"""Conversations, their messages, the log of frames that sockets resume from, and what people thought of the replies."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import HotTenantOwned, TenantOwned

TITLE_LENGTH = 120  # characters
CLIENT_ID_LENGTH = 100  # characters
BEST_RATING = 5


def validate_addresses(text: str) -> None:
    """Raises ValidationError unless every word is an e-mail address."""
    for address in text.split():
        validate_email(address)


class Handler(models.TextChoices):
    """Who answers in a conversation. While it waits in the queue the assistant still does."""

    BOT = "bot", _("Assistant")
    QUEUE = "queue", _("Waits for a person")
    PERSON = "person", _("Person")


class Conversation(HotTenantOwned):
    """One person's talk with the assistant: of a signed-in user, or of an anonymous visitor.

    `handled_by` is BOT exactly as long as no Handover of it is open.

    `server` is the process that runs its replies and numbers its frames now; null when nothing runs. `last_seq` is the
    number of the last frame in the log. `attention` tells that process to look: another one queued a message here, or
    asks it to stop a reply.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    visitor = models.UUIDField(null=True, blank=True)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    summary = models.TextField(blank=True, editable=False)
    handled_by = models.CharField(max_length=10, choices=Handler.choices, default=Handler.BOT)
    last_seq = models.PositiveIntegerField(default=0, editable=False)
    server = models.UUIDField(null=True, editable=False)
    attention = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-updated_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, visitor__isnull=False) | Q(user__isnull=False, visitor=None),
                name="conversation_has_one_owner",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "user", "-updated_at"], name="conversations_of_user"),
            models.Index(fields=["tenant", "visitor", "-updated_at"], name="conversations_of_visitor"),
            models.Index(fields=["tenant", "server"], name="conversations_running", condition=~Q(server=None)),
            models.Index(fields=["user"], name="conversations_signed_in", condition=~Q(user=None)),
        ]

    def __str__(self) -> str:
        return self.title or str(_("New conversation"))


class Role(models.TextChoices):
    """Who a message is from; a note is seen by staff only."""

    CUSTOMER = "customer", _("Customer")
    ASSISTANT = "assistant", _("Assistant")
    PERSON = "person", _("Person")
    NOTE = "note", _("Note")


class State(models.TextChoices):
    """Where a reply is. A customer's message is `done` from the start."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped by the customer")
    FAILED = "failed", _("Failed")
    INTERRUPTED = "interrupted", _("Interrupted")


#: States of a reply that is still to come to its end.
UNFINISHED = (State.QUEUED, State.RUNNING)
#: States of a reply that came to nothing, or not to its end: its question may be asked again.
BROKEN_OFF = (State.FAILED, State.INTERRUPTED, State.STOPPED)
#: `finish` of a customer's message that a person, not the assistant, is to answer.
PASSED_ON = "passed_on"
#: `error` of a reply that was stopped because a person took over.
TAKEN_OVER = "taken_over"


class Message(HotTenantOwned):
    """Something said in a conversation; a reply of the assistant with everything worth keeping about it.

    `client_id` is the customer's own id of their message: the same one from the same `person` is the same message.
    `action` and `confirmed` are set when the message is a pressed button: the customer's word on a proposed action.
    A customer's message whose `finish` is PASSED_ON came while a person had the conversation, and gets no reply.
    `author` is the member who wrote it, in a person's message or a note. `cards` are what is shown below a reply.
    `seq` is the number of the frame that made it known: `message.accepted` of a customer's message, `run.started` of a
    reply; null before. A page that shows an unfinished reply resumes from the frame before that.
    `trace` is large: lists should defer it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    role = models.CharField(max_length=10, choices=Role.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DONE)
    person = models.CharField(max_length=60, blank=True, editable=False)
    client_id = models.CharField(max_length=CLIENT_ID_LENGTH, null=True, editable=False)
    seq = models.PositiveIntegerField(null=True, editable=False)
    reply_to = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    action = models.UUIDField(null=True, blank=True, editable=False)
    confirmed = models.BooleanField(null=True, editable=False)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True, editable=False)
    cards = models.JSONField(default=list, blank=True, help_text=_("A list of {kind, data}."))
    citations = models.JSONField(default=list, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    intents = models.JSONField(default=list, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    model = models.CharField(max_length=120, blank=True)
    finish = models.CharField(max_length=20, blank=True)
    known = models.BooleanField(default=True)
    cached = models.BooleanField(default=False)
    degraded = models.BooleanField(default=False)
    trace = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=12, blank=True, help_text=_("Shown to the customer when a reply fails."))
    stop_asked = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "person", "client_id"], name="one_message_per_client_id"),
        ]
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="messages_in_order"),
            models.Index(fields=["conversation"], name="replies_to_come", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["conversation"], name="messages_untold", condition=Q(role="customer", seq=None)),
            models.Index(fields=["tenant", "-created_at"], name="replies_by_time", condition=Q(role="assistant")),
            models.Index(fields=["tenant", "confidence"], name="replies_by_confidence", condition=Q(role="assistant")),
            models.Index(fields=["author"], name="messages_of_members", condition=~Q(author=None)),
            GinIndex(fields=["intents"], name="replies_by_intent", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return self.text[:TITLE_LENGTH]

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in UNFINISHED


class FrameLog(HotTenantOwned):
    """Frames of a conversation from `first_seq` to `last_seq`, as they were sent, one JSON text a line.

    Many frames share a row because a reply makes some thirty a second and each row costs its checks and index entries.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField()
    lines = models.TextField()

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["conversation", "last_seq"], name="one_frame_per_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.first_seq}-{self.last_seq}"


class Thumb(models.TextChoices):
    UP = "up", _("Helpful")
    DOWN = "down", _("Not helpful")


class Feedback(TenantOwned):
    """What the customer thought of a reply."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="feedback")
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(BEST_RATING)]
    )
    thumb = models.CharField(max_length=4, choices=Thumb.choices, blank=True)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("feedback")
        indexes = [models.Index(fields=["tenant", "rating"], name="feedback_by_rating")]

    def __str__(self) -> str:
        return f"{self.rating or '-'} {self.thumb}".strip()


class Review(TenantOwned):
    """What a reviewer of the tenant found in a reply; one for each reviewer."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(BEST_RATING)]
    )
    tags = models.JSONField(default=list, blank=True, help_text=_("What is wrong, as a list of short words."))
    corrected = models.TextField(blank=True, help_text=_("What the reply should have said."))
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["message", "reviewer"], name="one_review_per_reviewer"),
        ]
        indexes = [models.Index(fields=["tenant", "rating"], name="reviews_by_rating")]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.rating or '-'}"


class HandoverReason(models.TextChoices):
    """Why a conversation comes to people; the slugs are those of `agents.events.REASONS`."""

    CUSTOMER = "customer_request", _("The customer asked for a person")
    KNOWLEDGE = "missing_knowledge", _("No answer in the documents")
    UNSUPPORTED = "unsupported_request", _("Not something the assistant can do")
    POLICY = "policy_restriction", _("The shop's rules do not allow it")
    FAILURE = "tool_failure", _("Something did not work")
    APPROVAL = "approval", _("A change waits for approval")
    LIMIT = "usage_limit", _("A limit was reached")
    PROGRESS = "no_progress", _("An answer took too long")


class HandoverState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Taken over")
    RETURNED = "returned", _("Given back to the assistant")
    CLOSED = "closed", _("Closed")


#: States in which a conversation belongs to people.
OPEN_HANDOVERS = (HandoverState.WAITING, HandoverState.TAKEN)


class Handover(TenantOwned):
    """A conversation in the inbox of the tenant's people; at most one of each conversation is open.

    One is open exactly as long as the conversation's `handled_by` says so: a constraint of the database's, looked at
    when a transaction commits. `email` is where the customer wants an answer when nobody is there; such ones come first
    in the queue. `notified_at` is when the tenant's people were written to, `notify_error` why that failed.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="handovers")
    reason = models.CharField(max_length=24, choices=HandoverReason.choices)
    summary = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=HandoverState.choices, default=HandoverState.WAITING)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    email = models.EmailField(blank=True)
    notified_at = models.DateTimeField(null=True, blank=True)
    notify_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(state__in=["waiting", "taken"]),
                name="one_open_handover_per_conversation",
            )
        ]
        indexes = [models.Index(fields=["tenant", "state", "created_at"], name="handovers_by_state")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}"

    @property
    def open(self) -> bool:
        """Whether the conversation belongs to people still."""
        return self.state in OPEN_HANDOVERS


class Notice(TenantOwned):
    """Frames that wait for the process that runs a conversation to give them numbers: a list of [type, fields].

    The row goes in the transaction that logs them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    frames = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["conversation", "created_at"], name="notices_in_order")]

    def __str__(self) -> str:
        return str(self.pk)


class TurnCount(HotTenantOwned):
    """The turns of a person, or of an address, in the last hour; see `chat.throttle`, which alone writes here.

    `subject` is a digest, `slot` the last minute (since 1970) in which there was one, `turns` those of each minute from
    that one back.
    """

    subject = models.UUIDField()
    slot = models.PositiveIntegerField(default=0)
    turns = ArrayField(models.PositiveIntegerField(), default=list)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "subject"], name="one_count_per_subject")]

    def __str__(self) -> str:
        return str(self.subject)


class InboxSettings(TenantOwned):
    """When a tenant's people answer, and who is told of new conversations in the inbox; at most one row a tenant.

    `seen_at` is when one of them last had the inbox open.
    """

    hours = models.CharField(
        _("opening hours"),
        max_length=200,
        blank=True,
        help_text=_("Told to customers when nobody is there: “Monday to Friday, 9:00 to 17:00”."),
    )
    notify = models.TextField(
        _("write to"),
        blank=True,
        validators=[validate_addresses],
        help_text=_("E-mail addresses that hear of each new conversation, one a line."),
    )
    seen_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = verbose_name_plural = _("inbox settings")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_inbox_per_tenant")]

    def __str__(self) -> str:
        return str(_("Inbox"))

    @property
    def addresses(self) -> list[str]:
        """The addresses that hear of new conversations."""
        return self.notify.split()


class ServerProcess(models.Model):
    """A web process that is alive as long as its heart beats; of no tenant. See `chat.processes`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=320)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host} {self.id}"
