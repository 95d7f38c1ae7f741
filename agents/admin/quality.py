"""How a tenant wants its answers: which are given, held back or handed over, and in which words."""

from typing import Any

from django import forms
from django.contrib import admin
from unfold import widgets

from agents.guardrails.rules import MAX_TONE, read_topic
from agents.models import AnswerPolicy, BelowThreshold
from commerce.admin.base import LinesField, OwnForm
from tenants.admin.base import SingleRowAdmin
from tenants.models import Role

MAX_LINES, MAX_LINE = 50, 500
ARROW, ALWAYS = "=>", "always"


class TopicsField(LinesField):
    """Topics, one a line, further words behind a colon."""

    def clean(self, value: Any) -> list[str]:
        """The lines; ValidationError names one without a name, or that is too long."""
        lines = _limited(super().clean(value))
        for line in lines:
            if not read_topic(line).name:
                raise forms.ValidationError(f"Write the topic before the colon: “legal advice: lawyer”, not “{line}”.")
        return lines


class PhrasesField(LinesField):
    """Sentences to add, one a line: the words that call for it, an arrow, the sentence."""

    def prepare_value(self, value: Any) -> Any:
        """The lines of the stored rules."""
        return "\n".join(map(_line, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[dict[str, Any]]:  # type: ignore[override] # rules instead of lines
        """The rules of the lines; ValidationError names a line that is none."""
        return [_rule(line) for line in _limited(super().clean(value))]


def _limited(lines: list[str]) -> list[str]:
    if len(lines) > MAX_LINES:
        raise forms.ValidationError(f"Write at most {MAX_LINES} lines; there are {len(lines)}.")
    if long := next((line for line in lines if len(line) > MAX_LINE), ""):
        raise forms.ValidationError(f"A line holds up to {MAX_LINE} characters; “{long[:60]}…” has {len(long)}.")
    return lines


def _line(rule: Any) -> str:
    when = ", ".join(rule.get("when") or [ALWAYS]) if isinstance(rule, dict) else ALWAYS
    return f"{when} {ARROW} {rule.get('say', '') if isinstance(rule, dict) else rule}"


def _rule(line: str) -> dict[str, Any]:
    words, arrow, text = (part.strip() for part in line.partition(ARROW))
    if not (words and arrow and text):
        raise forms.ValidationError(
            f"Write “refund, return {ARROW} the sentence”, or “{ALWAYS} {ARROW} the sentence”, not “{line[:80]}”."
        )
    when = [word.strip() for word in words.split(",") if word.strip()]
    return {"when": [] if [word.lower() for word in when] == [ALWAYS] else when, "say": text}


class AnswerPolicyForm(OwnForm):
    """The answer policy, its lists as plain lines."""

    blocked_topics = TopicsField(
        label="Topics it does not talk about",
        help_text="One a line, in English or in your customers' words. Words behind a colon make it surer: "
        "“legal advice: lawyer, sue, court”. The customer is offered a person instead.",
    )
    required_phrases = PhrasesField(
        label="Sentences it always adds",
        help_text=f"One a line: “refund, return {ARROW} Refunds take up to five working days.” The sentence follows an "
        f"answer when one of the words is in the question or in the answer; “{ALWAYS} {ARROW} …” follows every answer.",
    )
    tone = forms.CharField(
        required=False,
        max_length=MAX_TONE,
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="How it speaks: “Warm and brief; say du to customers.” It cannot change what it may do.",
    )

    class Meta:
        model = AnswerPolicy
        fields = (
            "min_confidence", "below", "hold_ungrounded", "blocked_topics", "required_phrases", "tone",
            "cache", "cache_risk", "progress_seconds", "redact",
        )  # fmt: skip
        labels = {
            "min_confidence": "Confidence an answer needs",
            "below": "What becomes of one below it",
            "hold_ungrounded": "Hold back what no passage supports",
            "cache": "Give answers again",
            "cache_risk": "Wrong answers allowed among them",
            "progress_seconds": "Patience",
            "redact": "Hide personal data from providers",
        }
        help_texts = {
            "min_confidence": "0 to 1; 0: all are given. Only answers from the documents are measured by it.",
        }

    def clean(self) -> dict[str, Any]:
        """A threshold without a consequence does nothing, which is said."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("min_confidence") and values.get("below") == BelowThreshold.ANSWER:
            self.add_error("below", "Choose what becomes of answers below the confidence, or set the confidence to 0.")
        return values


@admin.register(AnswerPolicy)
class AnswerPolicyAdmin(SingleRowAdmin):
    """The one row of the tenant's answers: its list leads straight to it. For owners."""

    audit_target = "answers"
    roles = (Role.OWNER,)
    form = AnswerPolicyForm
    heading = "Answers"
    fieldsets = (
        ("How sure an answer must be", {"fields": ("min_confidence", "below", "hold_ungrounded")}),
        ("What it says", {"fields": ("blocked_topics", "required_phrases", "tone")}),
        ("Speed, cost and privacy", {"fields": ("cache", "cache_risk", "progress_seconds", "redact")}),
    )
