"""The pages of the tenant's people: who waits for a person, and a conversation to answer in."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from agents.actions import ActionNotFound
from agents.models import Action
from chat import answering, desk, handover
from chat.checks import held_answer
from chat.desk import Folder
from chat.handover import HandoverError
from chat.queries import NotFoundError
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role

UNCHANGED = 204  # htmx leaves the page as it is
Act = Callable[[TenantRequest, uuid.UUID, User], object]


@require_GET
@tenant_view(Role.AGENT)
def inbox(request: TenantRequest) -> HttpResponse:
    """The list, with nothing opened beside it."""
    desk.note_presence()
    return render(request, "inbox/page.html", _list(request))


@require_GET
@tenant_view(Role.AGENT)
def listed(request: TenantRequest) -> HttpResponse:
    """The list as it is now; nothing when the page has it already (`?seen=`)."""
    desk.note_presence()
    context = _list(request)
    if request.GET.get("seen") == context["version"]:
        return HttpResponse(status=UNCHANGED)
    return render(request, "inbox/_list.html", context)


@require_GET
@tenant_view(Role.AGENT)
def conversation(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """One conversation, to read and to answer in: a whole page, or the part that htmx replaces."""
    desk.note_presence()
    return _show(request, _folder(pk))


@require_GET
@tenant_view(Role.AGENT)
def live(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """The thread as it is now; nothing when the page has it already (`?version=`).

    Where the conversation changed hands (`?standing=`), what stands around the thread comes too.
    """
    folder = _folder(pk)
    if request.GET.get("version") == folder.version:
        return HttpResponse(status=UNCHANGED)
    moved = request.GET.get("standing") != folder.standing
    return render(request, "inbox/_live.html", _detail(request, folder) | {"moved": moved})


@require_GET
@tenant_view(Role.AGENT)
def earlier(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """The stretch of a conversation before one of its messages (`?before=`)."""
    folder = _folder(pk)
    try:
        stretch = desk.thread_before(folder.conversation, request.tenant, request.GET.get("before", ""))
    except NotFoundError as error:
        raise Http404("No such message") from error
    return render(request, "inbox/_earlier.html", {"folder": folder, "stretch": stretch, "before": True})


@require_POST
@tenant_view(Role.AGENT)
def act(request: TenantRequest, pk: uuid.UUID, what: str) -> HttpResponse:
    """Does one thing in a conversation; what could not be done is said, and what was written stays."""
    user = request.access.user
    assert user is not None  # noqa: S101 (the gate lets only agents in)
    done = ACTS.get(what)
    if done is None:
        raise Http404("Nothing of that name can be done")
    trouble = ""
    try:
        done(request, pk, user)
    except (NotFoundError, ActionNotFound) as error:
        raise Http404("No such conversation") from error
    except HandoverError as error:
        trouble = str(error)
    if not request.headers.get("HX-Request") and not trouble:
        return redirect("chat:inbox-conversation", request.tenant.slug, pk)
    return _show(request, _folder(pk), trouble=trouble, wrote=what)


def _take(request: TenantRequest, pk: uuid.UUID, user: User) -> None:
    holder = request.POST.get("from", "")
    handover.take_over(conversation_id=pk, by=user, instead_of=int(holder) if holder.isdecimal() else None)


def _decide(request: TenantRequest, pk: uuid.UUID, user: User) -> None:
    """Approves or refuses a change of this conversation."""
    try:
        action = Action.objects.get(pk=uuid.UUID(request.POST.get("action", "")), conversation=pk)
    except (Action.DoesNotExist, ValueError) as error:
        raise NotFoundError from error
    if request.POST.get("word") == "approve":
        answering.approve_action(action_id=action.pk, by=user)
    else:
        answering.refuse_action(action_id=action.pk, by=user, reason=request.POST.get("reason", ""))


ACTS: dict[str, Act] = {
    "take": _take,
    "return": lambda request, pk, user: handover.give_back(
        conversation_id=pk, by=user, note=request.POST.get("note", "")
    ),
    "close": lambda _, pk, user: handover.close(conversation_id=pk, by=user),
    "message": lambda request, pk, user: answering.write_message(
        conversation_id=pk,
        by=user,
        text=request.POST.get("text", ""),
        client_id=request.POST.get("client_id", "")[:100],
    ),
    "note": lambda request, pk, user: answering.write_note(
        conversation_id=pk, by=user, text=request.POST.get("text", "")
    ),
    "decide": _decide,
}


def _folder(pk: uuid.UUID) -> Folder:
    folder = desk.find_folder(pk)
    if folder is None:
        raise Http404("No such conversation in the inbox")
    return folder


def _show(request: TenantRequest, folder: Folder, *, trouble: str = "", wrote: str = "") -> HttpResponse:
    context = _detail(request, folder) | {"trouble": trouble, "wrote": wrote, "moved": False}
    if trouble:
        context |= {"draft": request.POST.get("text", ""), "draft_of": wrote}
    if request.headers.get("HX-Request"):
        return render(request, "inbox/_detail.html", context)
    return render(request, "inbox/page.html", context | _list(request))


def _list(request: TenantRequest) -> dict[str, Any]:
    user = request.access.user
    assert user is not None  # noqa: S101 (the gate lets only agents in)
    shown = request.GET.get("show", "")
    shown = shown if shown in desk.SHOWN else "waiting"
    listed = desk.lines(desk.handovers(shown, user)[: desk.LISTED])
    waiting = desk.count_waiting()
    version = desk.version_of(desk.version_of_lines(shown, listed), waiting)
    return {"lines": listed, "show": shown, "version": version, **_everywhere(request, waiting)}


def _detail(request: TenantRequest, folder: Folder) -> dict[str, Any]:
    user = request.access.user
    holder = folder.handover.taken_by if folder.handover.open else None
    first = request.GET.get("first", "")
    stretch, goes_on = desk.thread_of(folder.conversation, request.tenant, first)
    return {
        "folder": folder,
        "stretch": stretch,
        "goes_on": goes_on,
        "orders": desk.orders_beside(folder.customer),
        "held": held_answer(folder.conversation),
        "holder": holder,
        "mine": holder is not None and holder == user,
        "active": folder.conversation.pk,
        "client_id": uuid.uuid4().hex,
    }


def _everywhere(request: TenantRequest, waiting: int) -> dict[str, Any]:
    """What the bar at the top shows."""
    access = request.access
    return {
        "tab": "inbox",
        "waiting": waiting,
        "may_review": access.may(Role.REVIEWER),
        "may_answer": True,
        "may_curate": access.may(Role.CURATOR),
    }
