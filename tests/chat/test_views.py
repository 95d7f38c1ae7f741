import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from chat.handover import request_handover
from chat.models import Conversation, Feedback, Message, Role, State
from knowledge.models import Chunk, Document, DocumentVersion
from tenants.access import VISITOR_COOKIE, read_visitor, sign_visitor
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tenants.services import add_member

TEXT = "# Returns\n\nOpened products can be returned within 30 days. Keep the packaging.\n\n- Bring the receipt.\n"
QUOTE = "Opened products can be returned within 30 days."


@pytest.fixture
def visitor() -> uuid.UUID:
    return uuid.uuid4()


def client_of(who: User | uuid.UUID | None) -> Client:
    client = Client()
    if isinstance(who, User):
        client.force_login(who)
    elif who:
        client.cookies[VISITOR_COOKIE] = sign_visitor(who)
    return client


def talk(tenant, owner: User | uuid.UUID, title="Sending something back", **reply) -> Conversation:
    """A conversation with one question and its reply."""
    now = timezone.now()
    with tenant_scope(tenant.pk):
        whose = {"user": owner} if isinstance(owner, User) else {"visitor": owner}
        conversation = Conversation.objects.create(title=title, updated_at=now, last_seq=9, **whose)
        question = Message.objects.create(
            conversation=conversation, role=Role.CUSTOMER, text="Can I return it?", seq=1, created_at=now
        )
        values = {"state": State.DONE, "text": "Yes.", "html": "<p>Yes.</p>", "seq": 2, **reply}
        Message.objects.create(
            conversation=conversation, role=Role.ASSISTANT, reply_to=question,
            created_at=now + timedelta(microseconds=1), **values,
        )  # fmt: skip
    return conversation


def reply_of(conversation: Conversation) -> Message:
    with tenant_scope(conversation.tenant_id):
        return Message.objects.get(conversation=conversation, role=Role.ASSISTANT)


def publish(tenant, text=TEXT, **values) -> Document:
    """A live document of one chunk."""
    with tenant_scope(tenant.pk):
        document = Document.objects.create(external_id=uuid.uuid4().hex, title="Returns policy", **values)
        version = DocumentVersion.objects.create(
            document=document, number=1, markdown=text, filename="returns.pdf", pages=[0, 60], state="live"
        )
        document.current, document.state = version, Document.State.LIVE
        document.save()
        if QUOTE not in text:
            return document
        start = text.index(QUOTE)
        Chunk.objects.create(
            document=document, version=version, ordinal=0, text=QUOTE, start=start, end=start + len(QUOTE),
            heading_path=["Returns"], page=1, parent_start=0, parent_end=len(text),
        )  # fmt: skip
    return document


def citation_of(document: Document) -> dict[str, object]:
    with tenant_scope(document.tenant_id):
        chunk = Chunk.objects.get(document=document)
    return {
        "n": 1, "chunk": chunk.pk, "document_id": document.pk, "title": "Returns policy", "page": 1, "heading": "",
        "span": [chunk.start, chunk.end], "quote": QUOTE, "url": "",
    }  # fmt: skip


# ----- the way in -----


def test_nobody_waits_for_a_colleague_before_there_is_a_conversation(tenant, bob):
    page = client_of(bob).get("/acme/").content.decode()
    assert "A colleague has been told" not in page
    conversation = talk(tenant, bob)
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert "A colleague has been told" not in page
    with tenant_scope(tenant.pk):
        request_handover(conversation_id=conversation.pk, reason="customer_request")
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert "A colleague has been told" in page


def test_home_greets_a_new_visitor_and_gives_them_a_cookie(tenant):
    tenant.greeting = "What can we do for you?"
    tenant.suggestions = [{"title": "Warranty", "detail": "How long", "question": "How long is the warranty?"}]
    tenant.save()
    response = Client().get("/acme/")
    page = response.content.decode()
    assert "What can we do for you?" in page
    assert 'data-ask="How long is the warranty?"' in page
    assert read_visitor(response.cookies[VISITOR_COOKIE].value)


def test_home_keeps_a_visitor_that_is_known(tenant, visitor):
    assert VISITOR_COOKIE not in client_of(visitor).get("/acme/").cookies


def test_home_replaces_a_forged_cookie(tenant, visitor):
    client = Client()
    client.cookies[VISITOR_COOKIE] = sign_visitor(visitor)[:-2] + "xx"
    assert read_visitor(client.get("/acme/").cookies[VISITOR_COOKIE].value) != visitor


def test_home_gives_no_cookie_to_a_signed_in_person(tenant, bob):
    response = client_of(bob).get("/acme/")
    assert VISITOR_COOKIE not in response.cookies
    assert "bob" in response.content.decode()


@pytest.mark.parametrize("path", ["/nobody/", "/nobody/c/3b0e3c1a-0000-4000-8000-000000000000/", "/nobody/theme.css"])
def test_an_unknown_tenant_is_not_found(db, path):
    assert Client().get(path).status_code == 404


def test_every_page_forbids_scripts_and_styles_of_its_own(tenant, bob):
    policy = client_of(bob).get("/acme/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy


@pytest.mark.parametrize(("who", "review", "knowledge"), [("alice", True, True), ("bob", False, False)])
def test_the_menu_leads_staff_to_their_pages(request, tenant, who, review, knowledge):
    page = client_of(request.getfixturevalue(who)).get("/acme/").content.decode()
    assert ("/acme/review/" in page) is review
    assert ("/admin/" in page) is knowledge


@pytest.mark.parametrize("code", [403, 404, 500, 503])
@pytest.mark.parametrize("request_given", [True, False])
def test_an_error_says_what_to_do(rf, code, request_given):
    request = rf.get("/") if request_given else None
    page = render_to_string("error.html", {"code": code, "path": "/acme/"}, request)
    assert f"Error {code}" in page
    assert ('http-equiv="refresh"' in page) is (code == 503)
    assert ('href="/acme/"' in page) is (code == 503)


# ----- one conversation -----


@pytest.mark.parametrize(
    ("who", "status"), [("bob", 200), ("alice", 404), ("charlie", 404), ("visitor", 404), (None, 404)]
)
def test_a_conversation_is_its_owners_alone(request, tenant, bob, who, status):
    conversation = talk(tenant, bob)
    client = client_of(request.getfixturevalue(who) if who else None)
    assert client.get(f"/acme/c/{conversation.pk}/").status_code == status


def test_a_visitor_reads_their_own_conversation_and_no_other_visitors(tenant, visitor):
    conversation = talk(tenant, visitor)
    assert client_of(visitor).get(f"/acme/c/{conversation.pk}/").status_code == 200
    assert client_of(uuid.uuid4()).get(f"/acme/c/{conversation.pk}/").status_code == 404


def test_a_conversation_is_not_found_under_another_tenant(tenant, other_tenant, bob):
    conversation = talk(tenant, bob)
    assert client_of(bob).get(f"/globex/c/{conversation.pk}/").status_code == 404


def test_a_conversation_shows_question_answer_and_sources(tenant, bob):
    document = publish(tenant)
    conversation = talk(tenant, bob, citations=[citation_of(document)])
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert "Can I return it?" in page
    assert '<div class="prose"><p>Yes.</p></div>' in page
    assert f"/acme/messages/{reply_of(conversation).pk}/sources/1/" in page


def test_what_a_customer_writes_is_shown_as_text(tenant, bob):
    conversation = talk(tenant, bob, title="<script>alert(1)</script>")
    with tenant_scope(tenant.pk):
        Message.objects.filter(role=Role.CUSTOMER).update(text="<img src=x onerror=alert(1)>")
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_finished_conversation_resumes_after_its_last_frame(tenant, bob):
    conversation = talk(tenant, bob)
    assert 'data-after="9"' in client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()


def test_a_running_reply_is_shown_empty_and_comes_again_from_its_first_frame(tenant, bob):
    conversation = talk(tenant, bob, state=State.RUNNING, seq=5, html="", text="half of a sen")
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert 'data-after="4"' in page
    assert (
        f'aria-busy="true" aria-label="Acme assistant is answering" data-message="{reply_of(conversation).pk}"' in page
    )
    assert "half of a sen" not in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": State.STOPPED}, "You stopped this answer."),
        ({"state": State.INTERRUPTED}, "This answer was cut off."),
        ({"finish": "truncated"}, "This answer was cut off."),
        ({"state": State.FAILED, "html": "", "reference": "7F3K21"}, "Reference 7F3K21"),
        ({"known": False}, "Ask a person"),
        ({"degraded": True}, "the writing assistant is unavailable"),
        ({"degraded": True, "model": "another"}, "Written by a stand-in"),
    ],
)
def test_a_reply_says_how_it_ended(tenant, bob, values, said):
    conversation = talk(tenant, bob, **values)
    assert said in client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()


def test_questions_that_were_asked_are_not_suggested_again(tenant, bob):
    tenant.suggestions = [{"title": t, "question": t} for t in ("Can I return it?", "Where is my parcel?")]
    tenant.save()
    page = client_of(bob).get(f"/acme/c/{talk(tenant, bob).pk}/").content.decode()
    assert 'data-ask="Where is my parcel?"' in page
    assert 'data-ask="Can I return it?"' not in page


def test_a_failed_reply_makes_room_for_the_one_that_came_after_it(tenant, bob):
    conversation = talk(tenant, bob, state=State.FAILED, html="", reference="7F3K21")
    with tenant_scope(tenant.pk):
        question = Message.objects.get(role=Role.CUSTOMER)
        Message.objects.create(
            conversation=conversation, role=Role.ASSISTANT, reply_to=question, html="<p>Now it worked.</p>",
            created_at=timezone.now(),
        )  # fmt: skip
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert "Now it worked." in page
    assert "7F3K21" not in page


def test_earlier_feedback_is_shown(tenant, bob):
    conversation = talk(tenant, bob)
    with tenant_scope(tenant.pk):
        Feedback.objects.create(message=reply_of(conversation), rating=4, thumb="up")
    page = client_of(bob).get(f"/acme/c/{conversation.pk}/").content.decode()
    assert 'value="4" checked' in page
    assert 'data-thumb="up" aria-pressed="true"' in page


@pytest.mark.parametrize("items", [1, 3])
def test_a_conversation_costs_the_same_queries_however_long(tenant, bob, django_assert_num_queries, items):
    conversation = talk(tenant, bob)
    for number in range(items - 1):
        other = talk(tenant, bob, title=f"Another {number}")
        with tenant_scope(tenant.pk):
            Message.objects.filter(conversation=other).update(conversation=conversation)
    client = client_of(bob)
    client.get("/acme/theme.css")  # remembers the host names
    with django_assert_num_queries(16):
        client.get(f"/acme/c/{conversation.pk}/")


# ----- the list -----


def test_the_list_holds_ones_own_conversations_only(tenant, alice, bob, visitor):
    talk(tenant, bob, title="Bob talk")
    talk(tenant, alice, title="Alice talk")
    talk(tenant, visitor, title="A visitor talk")
    page = client_of(bob).get("/acme/conversations/").content.decode()
    assert "Bob talk" in page
    assert "Alice talk" not in page
    assert "A visitor talk" not in page


def test_the_list_of_somebody_new_is_empty(tenant):
    assert "No conversations yet" in Client().get("/acme/conversations/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [("sending BACK", True), ("return", True), ("laptop", False), ("100%", False), ("\0", True), ("_", False)],
)
def test_search_looks_in_titles_and_messages(tenant, bob, query, found):
    talk(tenant, bob)
    page = client_of(bob).get("/acme/conversations/", {"q": query}).content.decode()
    assert ("Sending something back" in page) is found


def test_todays_conversations_come_before_earlier_ones(tenant, bob):
    talk(tenant, bob, title="New one")
    old = talk(tenant, bob, title="Old one")
    with tenant_scope(tenant.pk):
        Conversation.objects.filter(pk=old.pk).update(updated_at=datetime(2024, 1, 1, tzinfo=UTC))
    page = client_of(bob).get("/acme/conversations/").content.decode()
    assert page.index("Today") < page.index("New one") < page.index("Earlier") < page.index("Old one")


@pytest.mark.parametrize("items", [1, 3])
def test_the_list_costs_the_same_queries_however_long(tenant, bob, django_assert_num_queries, items):
    for number in range(items):
        talk(tenant, bob, title=f"Number {number}")
    client = client_of(bob)
    client.get("/acme/theme.css")  # remembers the host names
    with django_assert_num_queries(9):
        client.get("/acme/conversations/")


def test_renaming_gives_a_field_and_then_the_new_name(tenant, bob):
    conversation = talk(tenant, bob)
    client, address = client_of(bob), f"/acme/c/{conversation.pk}/rename/"
    assert 'value="Sending something back"' in client.get(address).content.decode()
    assert "<form" not in client.get(address, {"cancel": 1}).content.decode()
    assert "A better name" in client.post(address, {"title": "  A better\0  name "}).content.decode()
    assert "A better name" in client.post(address, {"title": "  "}).content.decode()


def test_deleting_takes_the_conversation_off_the_list(tenant, bob):
    kept, gone = talk(tenant, bob, title="Kept"), talk(tenant, bob, title="Gone")
    client = client_of(bob)
    page = client.post(f"/acme/c/{gone.pk}/delete/", {"active": str(kept.pk)}).content.decode()
    assert "Kept" in page
    assert "Gone" not in page
    assert client.get(f"/acme/c/{gone.pk}/").status_code == 404


def test_deleting_the_conversation_on_the_screen_leads_to_a_new_one(tenant, bob):
    gone = talk(tenant, bob)
    response = client_of(bob).post(f"/acme/c/{gone.pk}/delete/", {"active": str(gone.pk)})
    assert response.headers["HX-Redirect"] == "/acme/"


@pytest.mark.parametrize("who", ["alice", "charlie", "visitor", None])
@pytest.mark.parametrize("action", ["rename", "delete"])
def test_only_the_owner_renames_and_deletes(request, tenant, bob, who, action):
    conversation = talk(tenant, bob)
    client = client_of(request.getfixturevalue(who) if who else None)
    assert client.post(f"/acme/c/{conversation.pk}/{action}/", {"title": "Mine now"}).status_code == 404
    with tenant_scope(tenant.pk):
        conversation.refresh_from_db()
    assert (conversation.title, conversation.deleted_at) == ("Sending something back", None)


def test_deleting_needs_a_post_with_a_token(tenant, bob):
    conversation = talk(tenant, bob)
    assert client_of(bob).get(f"/acme/c/{conversation.pk}/delete/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    assert strict.post(f"/acme/c/{conversation.pk}/delete/").status_code == 403


# ----- messages, sources, documents -----


@pytest.mark.parametrize(
    ("who", "status"), [("bob", 200), ("alice", 200), ("charlie", 404), ("visitor", 404), (None, 404)]
)
def test_a_message_is_its_owners_and_reviewers(request, tenant, bob, who, status):
    message = reply_of(talk(tenant, bob, citations=[citation_of(publish(tenant))]))
    client = client_of(request.getfixturevalue(who) if who else None)
    assert client.get(f"/acme/messages/{message.pk}/").status_code == status
    assert client.get(f"/acme/messages/{message.pk}/sources/1/").status_code == status


def test_a_curator_does_not_read_customers_messages(tenant, bob, charlie):
    with tenant_scope(tenant.pk):
        add_member(user=charlie, role=MemberRole.CURATOR)
    conversation = talk(tenant, bob)
    assert client_of(charlie).get(f"/acme/messages/{reply_of(conversation).pk}/").status_code == 404


@pytest.mark.parametrize("tail", ["", "sources/1/"])
def test_a_message_of_another_tenant_is_not_found(tenant, other_tenant, bob, tail):
    conversation = talk(tenant, bob, citations=[citation_of(publish(tenant))])
    assert client_of(bob).get(f"/globex/messages/{reply_of(conversation).pk}/{tail}").status_code == 404


def test_a_source_shows_the_passage_marked_in_its_surroundings(tenant, bob):
    document = publish(tenant)
    conversation = talk(tenant, bob, citations=[citation_of(document)])
    page = client_of(bob).get(f"/acme/messages/{reply_of(conversation).pk}/sources/1/").content.decode()
    assert f'<mark id="passage">{QUOTE}</mark> Keep the packaging.' in page
    assert "PDF, page 1 of 2" in page
    assert "Source 1 of 1" in page
    assert f"/acme/documents/{document.pk}/?start=" in page


def test_a_source_knows_the_ones_before_and_after_it(tenant, bob):
    first = citation_of(publish(tenant))
    conversation = talk(tenant, bob, citations=[first, {**first, "n": 2}, {**first, "n": 5}])
    address = f"/acme/messages/{reply_of(conversation).pk}/sources/"
    page = client_of(bob).get(f"{address}2/").content.decode()
    assert f'href="{address}1/"' in page
    assert f'href="{address}5/"' in page
    assert client_of(bob).get(f"{address}3/").status_code == 404


def test_a_source_whose_passage_is_gone_shows_what_was_quoted(tenant, bob):
    document = publish(tenant)
    conversation = talk(tenant, bob, citations=[citation_of(document)])
    with tenant_scope(tenant.pk):
        Chunk.objects.all().delete()
    page = client_of(bob).get(f"/acme/messages/{reply_of(conversation).pk}/sources/1/").content.decode()
    assert QUOTE in page
    assert "has changed since" in page
    assert "/documents/" not in page


def test_a_source_of_an_archived_document_has_no_link_to_it(tenant, bob):
    document = publish(tenant)
    conversation = talk(tenant, bob, citations=[citation_of(document)])
    with tenant_scope(tenant.pk):
        Document.objects.update(state=Document.State.ARCHIVED)
    page = client_of(bob).get(f"/acme/messages/{reply_of(conversation).pk}/sources/1/").content.decode()
    assert "/documents/" not in page


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "visitor", None])
def test_a_live_document_can_be_read_by_everybody_who_may_ask(request, tenant, who):
    document = publish(tenant)
    client = client_of(request.getfixturevalue(who) if who else None)
    assert QUOTE in client.get(f"/acme/documents/{document.pk}/").content.decode()


@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("bob", 404), ("visitor", 404)])
def test_an_archived_document_is_for_staff(request, tenant, who, status):
    document = publish(tenant)
    with tenant_scope(tenant.pk):
        Document.objects.update(state=Document.State.ARCHIVED)
    client = client_of(request.getfixturevalue(who))
    assert client.get(f"/acme/documents/{document.pk}/").status_code == status


def test_a_document_of_another_tenant_is_not_found(tenant, other_tenant, alice):
    document = publish(tenant)
    assert client_of(alice).get(f"/globex/documents/{document.pk}/").status_code == 404


def test_a_document_marks_the_wanted_chunk(tenant):
    document = publish(tenant)
    with tenant_scope(tenant.pk):
        chunk = Chunk.objects.get()
    page = Client().get(f"/acme/documents/{document.pk}/", {"chunk": chunk.pk}).content.decode()
    assert f'<mark id="passage">{QUOTE}</mark>' in page


@pytest.mark.parametrize(
    "query",
    [
        {"chunk": "x"}, {"chunk": "9" * 40}, {"start": "5", "end": "2"}, {"start": "-1", "end": "٣"}, {"part": "99"},
        {"start": "999999", "end": "1000000"},
    ],
)  # fmt: skip
def test_a_document_is_shown_whatever_is_wanted_of_it(tenant, query):
    document = publish(tenant)
    response = Client().get(f"/acme/documents/{document.pk}/", query)
    assert response.status_code == 200
    assert QUOTE in response.content.decode()


def test_a_long_document_comes_in_parts_that_join(tenant):
    paragraphs = [f"Paragraph number {n} of a long document, which goes on and on." for n in range(2_500)]
    text = "\n\n".join(paragraphs)
    document = publish(tenant, text=text)
    address = f"/acme/documents/{document.pk}/"
    pages = [Client().get(address, {"part": part}).content.decode() for part in (1, 2, 3)]
    assert "Part 1 of 3" in pages[0]
    assert all(sum(f">{paragraph}<" in page for page in pages) == 1 for paragraph in paragraphs)
    start = text.index("number 1700 ")
    marked = Client().get(address, {"start": start, "end": start + 11}).content.decode()
    assert '<mark id="passage">number 1700</mark>' in marked


# ----- colours -----


def test_the_theme_is_the_tenants(tenant):
    tenant.hue, tenant.chroma = 20, 0.05
    tenant.save()
    response = Client().get("/acme/theme.css")
    assert response.content == b":root { --h: 20; --c: 0.05; }\n"
    assert response.headers["Content-Type"] == "text/css"
