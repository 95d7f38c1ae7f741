"""A reviewed reply's question, taken over into an evaluation set with one click."""

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from agents.citations import SHOWN_NUMBER
from agents.guardrails.masking import masked_text
from chat import reviewing
from chat.models import Message, Review
from chat.queries import LOW_RATING
from knowledge.evaluation.expectations import Expected
from knowledge.evaluation.importing import LONGEST_ANSWER, NewCase
from knowledge.evaluation.services import add_reviewed_case, first_set
from knowledge.models import EvaluationCase, EvaluationSet
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role

GOOD = 4  # stars of a reviewer from which a reply's own words are what a good answer says
EMPTY = "Choose the documents that it should find, or write a better answer."


@dataclass(frozen=True, slots=True)
class Offered:
    """A document among the passages of a reply; chosen where the reply cites it and nobody found it bad."""

    document: str
    title: str
    chosen: bool


class Choice(forms.Form):
    """What a reviewer takes over."""

    set = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    documents = forms.MultipleChoiceField(required=False)
    corrected = forms.CharField(required=False, max_length=LONGEST_ANSWER)

    def __init__(self, data: Any, offered: list[Offered]) -> None:
        super().__init__(data)
        self.fields["documents"].choices = [(each.document, each.title) for each in offered]  # type: ignore[attr-defined] # a choice field


@require_POST
@tenant_view(Role.REVIEWER)
def add(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep the question with the documents that were chosen; done again it is changed, not added twice."""
    shown = get_object_or_404(reviewing.replies(), pk=pk, reply_to__isnull=False)
    choice, error = Choice(request.POST, offered_of(shown)), ""
    if choice.is_valid():
        error = _keep(request, shown, choice.cleaned_data)
    else:
        error = " ".join(str(message) for messages in choice.errors.values() for message in messages)
    if not request.headers.get("HX-Request"):
        return redirect("chat:review-reply", request.tenant.slug, shown.pk)
    context = {"shown": shown, "evaluation": evaluation_of(shown), "evaluation_error": error}
    return render(request, "review/_evaluation.html", context)


def evaluation_of(shown: Message) -> dict[str, Any] | None:
    """What the page of a reply shows: its case if it is in a set, the sets, the documents; None without a question."""
    if shown.reply_to is None:
        return None
    case = EvaluationCase.objects.filter(source=shown.pk).select_related("set").first()
    offered = offered_of(shown)
    if case is not None:
        kept = {row["document"] for row in case.expected}
        offered = [Offered(each.document, each.title, each.document in kept) for each in offered]
    return {"case": case, "sets": list(EvaluationSet.objects.all()), "offered": offered}


def offered_of(shown: Message) -> list[Offered]:
    """The documents of the passages that a reply was given, each once, in their order."""
    feedback = getattr(shown, "feedback", None)
    bad = feedback is not None and ((feedback.rating or LOW_RATING + 1) <= LOW_RATING or feedback.thumb == "down")
    cited = {str(citation.get("document")) for citation in shown.citations} if not bad else set()
    passages = shown.trace.get("passages") or []
    titles = {
        str(each["document"]): str(each.get("title") or each["document"]) for each in passages if "document" in each
    }
    return [Offered(document, title, document in cited) for document, title in titles.items()]


def _keep(request: TenantRequest, shown: Message, values: dict[str, Any]) -> str:
    """Add the question, and say why not where that cannot be."""
    answer = values["corrected"] or expected_answer(shown)
    if not (values["documents"] or answer):
        return EMPTY
    chosen = EvaluationSet.objects.filter(pk=values["set"]).first() if values["set"] else None
    kept = EvaluationCase.objects.filter(source=shown.pk).select_related("set").first()
    evaluation_set = chosen or (kept.set if kept else first_set(actor=request.access.actor))
    expected = tuple(Expected(document) for document in values["documents"])
    case = NewCase(question_of(shown), expected, masked_text(answer).strip())
    add_reviewed_case(evaluation_set=evaluation_set, case=case, source=shown.pk, actor=request.access.actor)
    return ""


def question_of(shown: Message) -> str:
    """What the customer asked, as it stands by itself, without personal data."""
    assert shown.reply_to is not None  # noqa: S101 (the caller's)
    return masked_text(str(shown.trace.get("rewritten") or shown.reply_to.text)).strip()


def expected_answer(shown: Message) -> str:
    """What reviewers wrote instead, the latest first; or the reply's own words where they found it good."""
    reviews = list(Review.objects.filter(message=shown).order_by("-pk"))
    corrected = next((review.corrected for review in reviews if review.corrected), "")
    good = any((review.rating or 0) >= GOOD for review in reviews)
    return corrected or (SHOWN_NUMBER.sub("", shown.text).strip() if good else "")
