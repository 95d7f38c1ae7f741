"""A reviewer's word on an answer that was given again: right, or wrong and dropped for everybody."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from agents.cache.curation import hit_of, judge_hit
from chat import reviewing
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role


@require_POST
@tenant_view(Role.REVIEWER)
def judge(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep "right" or "wrong" of a reply from the cache, and show the reply again; harmless where it came from none."""
    shown = get_object_or_404(reviewing.replies(), pk=pk)
    hit = hit_of(shown.pk)
    word = request.POST.get("word")
    assert request.access.user is not None  # noqa: S101 (the gate lets only reviewers in)
    if hit is not None and word in {"right", "wrong"}:
        judge_hit(hit=hit, right=word == "right", reviewer=request.access.user)
    query = request.GET.urlencode()
    response = redirect("chat:review-reply", request.tenant.slug, shown.pk)
    if query:
        response["Location"] += f"?{query}"
    return response
