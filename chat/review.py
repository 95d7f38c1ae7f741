"""The pages of reviewers: which replies to look at first, why each came about, and what a reviewer makes of it."""

import uuid
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from agents.cache.curation import hit_of
from agents.routing.teaching import available_intents
from agents.usage import spent_on
from chat import cards, desk, queries, reviewing
from chat.checks import checks_of
from chat.models import BEST_RATING, Message, Review
from chat.review_evaluation import evaluation_of
from chat.reviewing import Finding
from chat.stretches import around
from chat.traces import account_of, calls_of, changes_of
from knowledge.queries import live_documents
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role

PAGE = 50  # replies listed at once
DOCUMENTS_OFFERED = 300  # in the filter by source
VERDICTS = ("Not in the sources", "Wrong source", "Incomplete", "Misunderstood", "Tone")


class Filters(forms.Form):
    """What the queue shows, as the address says it; anything unfit counts as not given."""

    q = forms.CharField(required=False, max_length=200)
    low = forms.BooleanField(required=False)
    unsure = forms.BooleanField(required=False)
    handover = forms.BooleanField(required=False)
    suspicious = forms.BooleanField(required=False)
    ungrounded = forms.BooleanField(required=False)
    intent = forms.CharField(required=False, max_length=80)
    document = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    state = forms.ChoiceField(required=False, choices=[("", "Waiting"), ("reviewed", "Reviewed"), ("all", "All")])

    @property
    def wanted(self) -> dict[str, Any]:
        """The filters that are set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}


class Verdict(forms.Form):
    """A reviewer's finding: anything of it may be left out, not everything."""

    rating = forms.TypedChoiceField(
        required=False, choices=[(n, n) for n in range(1, BEST_RATING + 1)], coerce=int, empty_value=None
    )
    tags = forms.MultipleChoiceField(required=False, choices=[(tag, tag) for tag in VERDICTS])
    corrected = forms.CharField(required=False, max_length=8000)
    note = forms.CharField(required=False, max_length=2000)
    wanted = forms.ChoiceField(required=False, choices=lambda: [(name, name) for name in available_intents()])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not any(found.values()):
            raise forms.ValidationError(
                "Choose a rating, say what is wrong or what was wanted, or write a better answer."
            )
        return found


@require_GET
@tenant_view(Role.REVIEWER)
def queue(request: TenantRequest) -> HttpResponse:
    """Replies to review, worst first, with the first one opened beside."""
    return _page(request, None)


@require_http_methods(["GET", "POST"])
@tenant_view(Role.REVIEWER)
def reply(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """One reply and how it came about; a POST keeps the verdict and goes on to the next one."""
    shown = get_object_or_404(reviewing.replies(), pk=pk)
    if request.method == "GET":
        return _page(request, shown)
    verdict = Verdict(request.POST)
    if not verdict.is_valid():
        return _page(request, shown, verdict)
    following = reviewing.place(list(_listed(request)), pk).next
    assert request.access.user is not None  # noqa: S101 (the gate lets only reviewers in)
    reviewing.save_review(message=shown, reviewer=request.access.user, finding=_finding(verdict))
    wanted = verdict.cleaned_data["wanted"]
    news = wanted and reviewing.correct_intent(message=shown, intent=wanted, reviewer=request.access.user)
    target = reviewing.replies().filter(pk=following).first() if following else None
    response = _page(request, target, saved=True, taught=wanted if news else "")
    response["HX-Push-Url"] = _address(request, target)
    return response


@require_GET
@tenant_view(Role.REVIEWER)
def conversation(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """The conversation that a reply belongs to, to read: what stands around it, or around another message (`?at=`)."""
    shown = get_object_or_404(reviewing.replies(), pk=pk)
    said = queries.messages_of(shown.conversation)
    stretch = around(said, _message(said, request.GET.get("at", "")) or shown)
    cards.attach(stretch.messages, request.tenant, with_buttons=False)
    context = {
        "shown": shown,
        "stretch": stretch,
        "kept": _without_at(request.GET),
        "may_curate": request.access.may(Role.CURATOR),
    }
    return render(request, "review/conversation.html", context | _inbox(request))


def _message(said: QuerySet[Message], pk: str) -> Message | None:
    """A message of a conversation by an id from an address; None for anything else."""
    try:
        return said.filter(pk=uuid.UUID(pk)).first()
    except ValueError:
        return None


def _without_at(given: QueryDict) -> str:
    """The filters of the queue, for links that keep them."""
    kept = given.copy()
    kept.pop("at", None)
    return kept.urlencode()


def _inbox(request: TenantRequest) -> dict[str, Any]:
    """What the bar at the top says of the inbox, to those who answer there."""
    return {"may_answer": request.access.may(Role.AGENT), "may_review": True, "waiting": desk.count_waiting}


def _page(
    request: TenantRequest, shown: Message | None, verdict: Verdict | None = None, *, saved: bool = False,
    taught: str = "",
) -> HttpResponse:  # fmt: skip
    """The queue with a reply beside it: the one `shown`, or else the first; the whole page, or what htmx replaces.

    `saved` tells that a verdict was kept, `taught` of which intent it made an example.
    """
    page, chosen = _listed(request), shown is not None
    if shown is None and page.object_list:
        shown = reviewing.replies().get(pk=page.object_list[0].pk)
    context: dict[str, Any] = {
        "page": page,
        "filters": Filters(request.GET),
        "query": _kept(request.GET),
        "has_detail": chosen,
        "saved": saved,
        "taught": taught,
        "may_curate": request.access.may(Role.CURATOR),
        **_inbox(request),
        "intents": reviewing.recent_intents(),
        "documents": live_documents().order_by("title").only("pk", "title", "external_id")[:DOCUMENTS_OFFERED],
    }
    if shown is not None:
        context |= _detail(request, shown, verdict) | {"place": reviewing.place(list(page), shown.pk)}
    template = "review/_review.html" if request.headers.get("HX-Request") else "review/page.html"
    return render(request, template, context)


def _listed(request: TenantRequest) -> Page[Message]:
    """The page of the queue that the address asks for, read."""
    page = Paginator(reviewing.queue(Filters(request.GET).wanted), PAGE).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)
    return page


def _detail(request: TenantRequest, shown: Message, verdict: Verdict | None) -> dict[str, Any]:
    reviews = list(Review.objects.filter(message=shown).select_related("reviewer"))
    cards.attach([shown], request.tenant, with_buttons=False)
    mine = next((review for review in reviews if review.reviewer == request.access.user), None)
    taught = reviewing.taught_intent(shown)
    return {
        "shown": shown,
        "hit": hit_of(shown.pk) if shown.cached else None,
        "cost": spent_on(shown.pk) or shown.cost,  # also of a reply that was stopped, or failed
        "account": account_of(shown.trace, shown.citations, request.tenant.slug),
        "checks": checks_of(shown.trace, shown.text),
        "calls": calls_of(shown.pk),
        "changes": changes_of(shown.pk),
        "others": [review for review in reviews if review is not mine],
        "verdict": verdict,
        "verdicts": VERDICTS,
        "available": sorted(available_intents()) if shown.reply_to else [],
        "taught_before": taught,
        "evaluation": evaluation_of(shown),
        **(_written(verdict) if verdict else _kept_verdict(mine) | {"wanted": taught}),
    }


def _finding(verdict: Verdict) -> Finding:
    found = verdict.cleaned_data
    return Finding(found["rating"], tuple(found["tags"]), found["corrected"], found["note"])


def _written(verdict: Verdict) -> dict[str, Any]:
    """What the reviewer had filled in, to be put right."""
    data = verdict.data
    tags = data.getlist("tags") if isinstance(data, QueryDict) else []
    return {"tags": tags, **{name: data.get(name, "") for name in ("rating", "corrected", "note", "wanted")}}


def _kept_verdict(review: Review | None) -> dict[str, Any]:
    if review is None:
        return {"rating": "", "tags": [], "corrected": "", "note": ""}
    return {
        "rating": str(review.rating or ""), "tags": review.tags, "corrected": review.corrected, "note": review.note,
    }  # fmt: skip


def _kept(given: QueryDict) -> str:
    """The filters as a query string, for links that keep them."""
    return f"?{given.urlencode()}" if given else ""


def _address(request: TenantRequest, target: Message | None) -> str:
    slug, query = request.tenant.slug, _kept(request.GET)
    if target is None:
        return reverse("chat:review", args=[slug]) + query
    return reverse("chat:review-reply", args=[slug, target.pk]) + query
