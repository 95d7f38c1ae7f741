"""The pages of customers: the chat, its list of conversations, the sources of an answer, a whole document."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents.models import Action
from chat import cards, desk, queries, services, shop_tokens
from chat.handover import leave_email
from chat.models import Conversation, Handover, Message, Role
from chat.passages import document_page, readable_documents, source_of
from chat.stretches import latest, without_superseded
from chat.wording import words_of
from commerce.models import Product
from commerce.models.catalogue import CODE_LENGTH
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role as MemberRole

LISTED = 100  # conversations in the list; older ones are found by search
SEARCH_WORDS = 6  # words of a search that count
SUGGESTED = 3  # questions offered above the message box
THEME_AGE = 300  # seconds that a browser keeps a tenant's colours
ASKED_ABOUT = 4  # products that a link from the shop may name


@dataclass(frozen=True, slots=True)
class Day:
    """The messages of one day, with what happened to hand-overs between them."""

    start: datetime
    messages: list[Any]


@require_GET
@tenant_view()
def home(request: TenantRequest) -> HttpResponse:
    """The greeting, with a message box that begins a conversation, about a product (`?about=`) or order (`?order=`).

    A shop's link says who its customer is (`?customer=`): that is kept for the visit and taken out of the address.
    """
    token = request.GET.get("customer", "")
    if token and shop_tokens.is_valid(token):
        return _without_token(request, token)
    if request.access.user is None and request.access.visitor is None:
        request.issued_visitor = uuid.uuid4()  # type: ignore[attr-defined] # VisitorMiddleware makes it a cookie
    context = {
        "after": 0, "prefill": _prefill(request), "sending": cards.render_sending(request.tenant),
        "bad_link": bool(token),
    }  # fmt: skip
    return render(request, "chat/page.html", {**_rail(request), **context})


@require_GET
@tenant_view()
def conversation(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """One conversation of this person, from its last stretch on; earlier ones are asked for one by one.

    The page shows what is finished and where the rest goes on: `after` is the number of the last frame whose effect is
    shown, so that the socket brings a running reply from its beginning.
    """
    shown = _own(request, pk)  # before its messages: what comes between the two queries is merely told twice
    stretch = latest(_shown_messages(shown))
    asked = {message.text for message in stretch.messages if message.role == Role.CUSTOMER}
    cards.attach(stretch.messages, request.tenant)
    offered = [offer["question"] for offer in request.tenant.suggestions if offer["question"] not in asked]
    context = {
        "conversation": shown,
        "days": _days(desk.with_happenings(stretch, shown)),
        "first_shown": stretch.earlier and stretch.first,
        "standing": desk.standing_of(shown),
        "after": queries.resume_point(shown),
        "suggestions": offered[:SUGGESTED],
        "sending": cards.render_sending(request.tenant),
    }
    return render(request, "chat/page.html", {**_rail(request, active=shown.pk), **context})


@require_GET
@tenant_view()
def earlier(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """The stretch of a conversation before one of its messages (`?before=`), as a fragment of its page."""
    shown = _own(request, pk)
    try:
        messages = queries.messages_of(shown)
        stretch = latest(_shown_messages(shown), before=messages.get(pk=uuid.UUID(request.GET.get("before", ""))))
    except (ValueError, Message.DoesNotExist) as error:
        raise Http404("No such message") from error
    cards.attach(stretch.messages, request.tenant)
    days = _days(desk.with_happenings(stretch, shown))
    context = {"conversation": shown, "days": days, "first_shown": stretch.earlier and stretch.first}
    return render(request, "chat/_earlier.html", context)


@require_GET
@tenant_view()
def conversations(request: TenantRequest) -> HttpResponse:
    """The list of conversations, or those that hold the words of `q`."""
    return render(request, "chat/_conversations.html", _rail(request))


@require_http_methods(["GET", "POST"])
@tenant_view()
def rename(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """One line of the list: with a field for the name, and after a POST with the new name."""
    item = _own(request, pk)
    if request.method == "POST":
        person = queries.person_of(request.access)
        item = services.rename_conversation(person=person, conversation_id=pk, title=request.POST.get("title", ""))
    renaming = request.method == "GET" and "cancel" not in request.GET
    return render(request, "chat/_conversation.html", {"item": item, "renaming": renaming, "active": _active(request)})


@require_POST
@tenant_view()
def delete(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """Deletes a conversation; the answer is the list without it, or a way to a new one if it was on the screen."""
    gone = _own(request, pk)
    services.delete_conversation(person=queries.person_of(request.access), conversation_id=gone.pk)
    if _active(request) == pk:
        return HttpResponse(headers={"HX-Redirect": reverse("chat:home", args=[request.tenant.slug])})
    return render(request, "chat/_conversations.html", _rail(request))


@require_http_methods(["GET", "POST"])
@tenant_view()
def handover(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """Who answers in a conversation, as a fragment of its page; a POST leaves an address for the answer."""
    shown, problem = _own(request, pk), ""
    address = request.POST.get("email", "")
    if request.method == "POST":
        try:
            leave_email(person=queries.person_of(request.access), conversation_id=pk, address=address)
        except ValidationError:
            problem = "That is no e-mail address. Check it, and leave it again."
        except queries.NotFoundError:
            pass  # it has been answered meanwhile, which is what is shown
    context = {"conversation": shown, "standing": desk.standing_of(shown), "problem": problem, "address": address}
    return render(request, "chat/_handover.html", context)


@require_GET
@tenant_view()
def message(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """One message as it stands now, as a fragment of the page."""
    shown = _readable_message(request, pk)
    cards.attach([shown], request.tenant)
    return render(request, "chat/_message.html", {"message": shown})


@require_GET
@tenant_view()
def action(request: TenantRequest, pk: uuid.UUID) -> HttpResponse:
    """The card of a proposed change as it stands now."""
    try:
        queries.conversation_of_action(queries.person_of(request.access), pk)
    except queries.NotFoundError as error:
        raise Http404("No such action") from error
    shown = cards.shown_actions([Action.objects.get(pk=pk)])
    return HttpResponse(cards.render_action(shown[0], request.tenant))


@require_GET
@tenant_view()
def source(request: TenantRequest, pk: uuid.UUID, n: int) -> HttpResponse:
    """The passage behind the number [n] of an answer, in its surroundings: a fragment for htmx, else a page."""
    reply = _readable_message(request, pk)
    numbers = [citation.get("n") for citation in reply.citations]
    if n not in numbers:
        raise Http404("No such source")
    at = numbers.index(n)
    context = {
        "message": reply,
        "source": source_of(reply.citations[at], request.tenant.slug),
        "total": len(numbers),
        "previous": numbers[at - 1] if at else None,
        "next": numbers[at + 1] if at + 1 < len(numbers) else None,
    }
    template = "chat/_source.html" if request.headers.get("HX-Request") else "chat/source.html"
    return render(request, template, context)


@require_GET
@tenant_view()
def document(request: TenantRequest, pk: int) -> HttpResponse:
    """The text of a document that answers may cite, with one passage (`?chunk=`, or `?start=&end=`) highlighted."""
    found = get_object_or_404(readable_documents(staff=request.access.is_staff), pk=pk)
    return render(request, "chat/document.html", document_page(found, request.GET))


@require_GET
@cache_control(max_age=THEME_AGE)
@tenant_view()
def theme(request: TenantRequest) -> HttpResponse:
    """The tenant's accent colour."""
    tenant = request.tenant
    return HttpResponse(f":root {{ --h: {tenant.hue:d}; --c: {tenant.chroma:g}; }}\n", content_type="text/css")


def _without_token(request: TenantRequest, token: str) -> HttpResponse:
    rest = request.GET.copy()
    del rest["customer"]
    response = redirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)
    shop_tokens.keep(response, request.tenant.slug, token)
    return response


def _prefill(request: TenantRequest) -> str:
    """What the message box holds when a page of the shop led here; a product that is not there leaves it empty."""
    words = words_of(request.tenant.language)
    order = request.GET.get("order", "").replace("\0", "").strip()
    if order:
        return words["where"].format(code=" ".join(order.split())[:CODE_LENGTH])
    codes = [code.replace("\0", "").strip() for code in request.GET.getlist("about")][:ASKED_ABOUT]
    names = dict(Product.objects.filter(code__in=filter(None, codes), active=True).values_list("code", "name"))
    listed = ", ".join(names[code] for code in dict.fromkeys(codes) if code in names)
    return words["compare" if len(names) > 1 else "about"].format(name=listed) if listed else ""


def _rail(request: TenantRequest, active: uuid.UUID | None = None) -> dict[str, Any]:
    query = request.GET.get("q", "").replace("\0", "").strip()
    found = list(_searched(_mine(request), query)[: LISTED + 1])
    shown, today = found[:LISTED], timezone.localdate()
    return {
        "conversations": shown,
        "today": [item for item in shown if timezone.localdate(item.updated_at) == today],
        "earlier": [item for item in shown if timezone.localdate(item.updated_at) != today],
        "more": len(found) > LISTED,
        "query": query,
        "active": active or _active(request),
        "has_shop": Product.objects.filter(active=True).exists,  # asked by the template that shows it
        "may_review": request.access.may(MemberRole.REVIEWER),
        "may_answer": request.access.may(MemberRole.AGENT),
        "waiting": desk.count_waiting,  # asked by the template that shows it
        "may_curate": request.access.may(MemberRole.CURATOR),
    }


def _mine(request: TenantRequest) -> QuerySet[Conversation]:
    try:
        return queries.conversations_of(queries.person_of(request.access))
    except queries.NotFoundError:
        nothing: QuerySet[Conversation] = Conversation.objects.none()
        return nothing


def _searched(conversations: QuerySet[Conversation], query: str) -> QuerySet[Conversation]:
    """Those that hold all of the words, in their title or in one of their messages."""
    for word in query.split()[:SEARCH_WORDS]:
        said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=word).exclude(role=Role.NOTE)
        conversations = conversations.filter(Q(title__icontains=word) | Exists(said))
    return conversations


def _own(request: TenantRequest, pk: uuid.UUID) -> Conversation:
    return get_object_or_404(_mine(request), pk=pk)


def _readable_message(request: TenantRequest, pk: uuid.UUID) -> Message:
    """A message of one's own conversations; a reviewer reads those of all customers, an agent those of the inbox."""
    messages = Message.objects.exclude(role=Role.NOTE).select_related("feedback", "author").defer("trace")
    if request.access.may(MemberRole.REVIEWER):
        seen = messages.filter(conversation__deleted_at=None)
    elif request.access.may(MemberRole.AGENT):
        inbox = Handover.objects.filter(conversation__deleted_at=None).values("conversation")
        seen = messages.filter(Q(conversation__in=_mine(request)) | Q(conversation__in=inbox))
    else:
        seen = messages.filter(conversation__in=_mine(request))
    found: Message = get_object_or_404(seen, pk=pk)
    return found


def _active(request: HttpRequest) -> uuid.UUID | None:
    """The conversation on the screen, as the list's requests tell."""
    try:
        return uuid.UUID(request.POST.get("active") or request.GET.get("active") or "")
    except ValueError:
        return None


def _shown_messages(conversation: Conversation) -> QuerySet[Message]:
    return without_superseded(queries.messages_of(conversation))


def _days(messages: list[Any]) -> list[Day]:
    grouped = groupby(messages, key=lambda message: timezone.localdate(message.created_at))
    days = [list(items) for _, items in grouped]
    return [Day(items[0].created_at, items) for items in days]
