"""How a tenant wants its answers: which are given, held back or handed over, and in which words."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class Routing(models.TextChoices):
    OFF = "off", _("Off: the primary model answers all")
    SHADOW = "shadow", _("Shadow: only note what would have been chosen")
    ON = "on", _("On")


class BelowThreshold(models.TextChoices):
    """What becomes of an answer whose confidence is below the tenant's threshold."""

    ANSWER = "answer", _("Give it all the same")
    ASK = "ask", _("Ask the customer to say more")
    REFUSE = "refuse", _("Say that the assistant does not know")
    HANDOVER = "handover", _("Hand over to a person")


class AnswerPolicy(TenantOwned):
    """One row a tenant; a tenant without one has the defaults."""

    routing = models.CharField(max_length=6, choices=Routing.choices, default=Routing.ON)
    cache = models.BooleanField(
        default=True, help_text=_("Give answers from the documents again to the same question.")
    )
    cache_risk = models.FloatField(
        default=0.01,
        validators=[MinValueValidator(0.0001), MaxValueValidator(0.2)],
        help_text=_("Wrong answers from the cache must stay below this share (upper bound)."),
    )
    min_confidence = models.FloatField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(1)], help_text=_("0 to 1; 0: all are given.")
    )
    below = models.CharField(max_length=10, choices=BelowThreshold.choices, default=BelowThreshold.ANSWER)
    hold_ungrounded = models.BooleanField(
        default=False,
        help_text=_("An answer with statements that no cited passage holds waits for a reviewer; a person is called."),
    )
    progress_seconds = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(3), MaxValueValidator(120)],
        help_text=_("Seconds without visible progress before the customer is told and the turn goes to the inbox."),
    )
    redact = models.BooleanField(
        default=False,
        help_text=_("Replace personal data before it is sent to a provider, and put it back into the answer."),
    )
    blocked_topics = models.JSONField(
        default=list, blank=True, help_text=_("What the assistant does not talk about: [“legal advice”, “politics”].")
    )
    required_phrases = models.JSONField(
        default=list, blank=True,
        help_text=_("Said below answers: a list of {“when”: [words of the question], “say”: text}; no words: always."),
    )  # fmt: skip
    tone = models.TextField(blank=True, help_text=_("How the assistant speaks, for the language model."))

    class Meta(TenantOwned.Meta):
        verbose_name_plural = _("answer policy")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_answer_policy_per_tenant")]

    def __str__(self) -> str:
        return str(_("Answers"))
