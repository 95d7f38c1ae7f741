import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agents.models import Action, ExampleSource, Intent, IntentExample, ToolCall
from agents.routing.teaching import add_example
from chat.models import Conversation, Feedback, Message, Review, Role, State
from knowledge.models import Document
from tenants.access import VISITOR_COOKIE, sign_visitor
from tenants.models import AuditEvent
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tenants.services import add_member

HTMX = {"HX-Request": "true"}


@pytest.fixture
def rita(tenant) -> User:
    user = User.objects.create_user("rita", "rita@example.com", "a long enough password", first_name="Rita")
    with tenant_scope(tenant.pk):
        add_member(user=user, role=MemberRole.REVIEWER)
    return user


@pytest.fixture
def reviewer(rita) -> Client:
    client = Client()
    client.force_login(rita)
    return client


def reply(tenant, question="Does it charge faster?", *, stars=None, thumb="", person=False, **values) -> Message:
    """A reply in a visitor's conversation, with the customer's feedback."""
    now = timezone.now()
    with tenant_scope(tenant.pk):
        conversation = Conversation.objects.create(
            visitor=uuid.uuid4(), title=question, updated_at=now, handled_by="queue" if person else "bot"
        )
        asked = Message.objects.create(conversation=conversation, role=Role.CUSTOMER, text=question, created_at=now)
        values = {"confidence": 0.9, "text": "Yes.", "html": "<p>Yes.</p>", **values}
        made: Message = Message.objects.create(
            conversation=conversation, role=Role.ASSISTANT, reply_to=asked, created_at=now + timedelta(microseconds=1),
            **values,
        )  # fmt: skip
        if stars or thumb:
            Feedback.objects.create(message=made, rating=stars, thumb=thumb, comment="Not what I asked")
    return made


def questions(page: str) -> list[str]:
    """The questions in the queue, in order."""
    return [part.split("</span>")[0] for part in page.split('<span class="reply-q">')[1:]]


# ----- who may -----


@pytest.mark.parametrize("path", ["", "{pk}/", "{pk}/conversation/"])
@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("rita", 200), ("bob", 404), ("charlie", 404)])
def test_owners_and_reviewers_may_review(request, tenant, who, status, path):
    client = Client()
    client.force_login(request.getfixturevalue(who))
    assert client.get("/acme/review/" + path.format(pk=reply(tenant).pk)).status_code == status


def test_visitors_are_asked_to_sign_in(tenant):
    client = Client()
    client.cookies[VISITOR_COOKIE] = sign_visitor(uuid.uuid4())
    response = client.get("/acme/review/")
    assert response.status_code == 302
    assert response.headers["Location"] == "/accounts/sign-in/?next=/acme/review/"


@pytest.mark.parametrize("role", [MemberRole.CURATOR, MemberRole.AGENT])
def test_other_staff_do_not_review(tenant, charlie, role):
    with tenant_scope(tenant.pk):
        add_member(user=charlie, role=role)
    client = Client()
    client.force_login(charlie)
    assert client.get("/acme/review/").status_code == 404


@pytest.mark.parametrize("path", ["", "conversation/"])
def test_a_reply_of_another_tenant_is_not_found(tenant, other_tenant, rita, reviewer, path):
    with tenant_scope(other_tenant.pk):
        add_member(user=rita, role=MemberRole.REVIEWER)
    made = reply(tenant)
    assert reviewer.get(f"/globex/review/{made.pk}/{path}").status_code == 404
    assert reviewer.post(f"/globex/review/{made.pk}/", {"rating": 1}).status_code == 404
    assert questions(reviewer.get("/globex/review/").content.decode()) == []


def test_a_customers_own_message_is_no_reply_to_review(tenant, reviewer):
    with tenant_scope(tenant.pk):
        question = reply(tenant).reply_to
    assert reviewer.get(f"/acme/review/{question.pk}/").status_code == 404


# ----- the queue -----


def test_what_is_rated_low_or_unsure_comes_first(tenant, reviewer):
    reply(tenant, "fine", stars=5, confidence=0.95)
    reply(tenant, "one star", stars=1, confidence=0.8)
    reply(tenant, "unsure", confidence=0.1)
    reply(tenant, "thumb down", thumb="down", confidence=0.7)
    reply(tenant, "both", stars=2, confidence=0.2)
    order = questions(reviewer.get("/acme/review/").content.decode())
    assert order == ["both", "one star", "thumb down", "unsure", "fine"]


def test_the_queue_holds_finished_replies_of_living_conversations(tenant, reviewer):
    reply(tenant, "running", state=State.RUNNING)
    reply(tenant, "failed", state=State.FAILED)
    gone = reply(tenant, "deleted")
    with tenant_scope(tenant.pk):
        Conversation.objects.filter(pk=gone.conversation_id).update(deleted_at=timezone.now())
    assert questions(reviewer.get("/acme/review/").content.decode()) == ["failed"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"low": "1"}, {"hated", "disliked"}),
        ({"unsure": "1"}, {"unsure", "no idea"}),
        ({"handover": "1"}, {"handed"}),
        ({"intent": "delivery"}, {"hated"}),
        ({"q": "ATE"}, {"hated"}),
        ({"q": "maybe"}, {"unsure"}),
        ({"low": "1", "intent": "delivery"}, {"hated"}),
        ({"low": "1", "unsure": "1"}, set()),
        ({"since": "2099-01-01"}, set()),
        ({"until": "2001-01-01"}, set()),
        ({"since": "soon", "document": "x", "state": "?"}, {"hated", "disliked", "unsure", "no idea", "handed"}),
        ({"document": "9" * 30}, {"hated", "disliked", "unsure", "no idea", "handed"}),
        ({"document": "7"}, {"unsure"}),
    ],
)
def test_filters_narrow_the_queue(tenant, reviewer, query, found):
    reply(tenant, "hated", stars=1, intents=["delivery"])
    reply(tenant, "disliked", thumb="down")
    reply(tenant, "unsure", confidence=0.3, text="maybe", citations=[{"n": 1, "document_id": 7, "title": "Manual"}])
    reply(tenant, "no idea", known=False)
    reply(tenant, "handed", person=True)
    assert set(questions(reviewer.get("/acme/review/", query).content.decode())) == found


def test_dates_count_whole_days(tenant, reviewer):
    made = reply(tenant, "late")
    with tenant_scope(tenant.pk):
        Message.objects.filter(pk=made.pk).update(created_at=datetime(2026, 3, 4, 23, 59, tzinfo=UTC))
    for query, found in (
        ({"until": "2026-03-04"}, ["late"]),
        ({"until": "2026-03-03"}, []),
        ({"since": "2026-03-05"}, []),
    ):
        assert questions(reviewer.get("/acme/review/", query).content.decode()) == found


def test_the_filter_offers_the_documents_there_are(tenant, reviewer):
    with tenant_scope(tenant.pk):
        Document.objects.create(external_id="a", title="A draft")
    assert "A draft" not in reviewer.get("/acme/review/").content.decode()


def test_an_empty_queue_says_so(tenant, reviewer):
    page = reviewer.get("/acme/review/").content.decode()
    assert "Nothing waits for you" in page
    assert "0 replies wait for you" in page
    assert "No reply waits to be looked at." in page
    assert "Clear filters" not in page


def test_a_filter_that_fits_nothing_can_be_cleared(tenant, reviewer):
    page = reviewer.get("/acme/review/?q=zebra").content.decode()
    assert "No reply fits these filters." in page
    assert "Clear filters" in page


def test_the_queue_comes_in_pages(tenant, reviewer):
    for number in range(51):
        reply(tenant, f"question {number}")
    first, last = (reviewer.get("/acme/review/", {"page": page}).content.decode() for page in ("1", "99"))
    assert "51 replies wait for you" in first
    assert (len(questions(first)), len(questions(last))) == (50, 1)


def test_links_keep_the_filters(tenant, reviewer):
    made = reply(tenant, stars=1)
    page = reviewer.get("/acme/review/", {"low": "1"}).content.decode()
    assert f'href="/acme/review/{made.pk}/?low=1"' in page


@pytest.mark.parametrize("items", [1, 3])
def test_the_queue_costs_the_same_queries_however_long(tenant, reviewer, django_assert_num_queries, items):
    for number in range(items):
        reply(tenant, f"question {number}", stars=number + 1, trace={"passages": [{"n": 1}] * items})
    reviewer.get("/acme/theme.css")  # remembers the host names
    with django_assert_num_queries(22):
        reviewer.get("/acme/review/")


# ----- one reply -----

TRACE = {
    "question": "and does the G1 one charge it faster?",
    "rewritten": "Does the charger of the G1 charge the UltraBook faster?",
    "documents": 24,
    "passages": [
        {
            "n": 1, "chunk": 11, "document": "g1", "document_id": 3, "title": "G1 manual", "heading": ["Power"],
            "page": 6, "text": "Use it only with the G1.", "score": 0.76, "scores": {"dense": 0.74, "odd": 12.0},
        }
    ],
    "messages": [{"role": "system", "content": "You answer from the passages below."}],
    "events": [{"event": "input", "ms": 2.0}, {"event": "search", "ms": 13.0}, {"event": "answer", "ms": 40.0}],
}  # fmt: skip


def test_the_whole_trace_is_shown(tenant, reviewer):
    made = reply(
        tenant, trace=TRACE, citations=[{"n": 1, "chunk": 11, "title": "G1 manual"}], stars=2, confidence=0.41,
        model="gpt-4.1-mini", usage={"prompt_tokens": 1408, "completion_tokens": 61}, cost="0.0007",
    )  # fmt: skip
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    for text in (
        "Does the charger of the G1 charge the UltraBook faster?", "24 documents", "11 ms", "27 ms", "40 ms in all",
        "G1 manual", "Power, p. 6", "Cited", "Meaning", ".74", "You answer from the passages below.", "gpt-4.1-mini",
        "1408", "$0.0007", "Rated 2 of 5", "Confidence 41%", "Not what I asked",
    ):  # fmt: skip
        assert text in page, text
    assert "/acme/documents/3/?chunk=11#passage" in page


def test_tools_and_changes_of_a_reply_are_shown(tenant, reviewer):
    made = reply(tenant, cards=[{"kind": "order", "data": {"code": "ORD-1002"}}])
    with tenant_scope(tenant.pk):
        mine = {"conversation": made.conversation_id, "reply": made.pk}
        ToolCall.objects.create(
            position=0, name="get_order_details", arguments={"order_id": "#W1"}, result="<b>no</b>", error="not_found",
            ms=12.34, **mine,
        )  # fmt: skip
        Action.objects.create(
            tool="cancel_pending_order", summary="Cancel <i>it</i>", state="refused", outcome="Too late.",
            decided_by="maya", expires_at=timezone.now(), **mine,
        )  # fmt: skip
        Action.objects.create(**mine | {"reply": uuid.uuid4()}, summary="Of another reply", expires_at=timezone.now())
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    for shown in (
        "get_order_details", "&quot;order_id&quot;: &quot;#W1&quot;", "&lt;b&gt;no&lt;/b&gt;", "not_found", "12.3 ms",
        "Cancel &lt;i&gt;it&lt;/i&gt;", "Refused by a person", "decided by maya", "Too late.", "Order ORD-1002",
    ):  # fmt: skip
        assert shown in page
    assert "Of another reply" not in page
    assert "data-decide" not in page


@pytest.mark.parametrize(
    "trace",
    [
        {}, {"events": None, "passages": "?"}, {"events": [{}], "passages": [{}], "prompt": [{}]},
        {"events": [{"kind": "input", "label": "Checked", "start_ms": 0, "ms": 2, "detail": "Nothing unusual"}]},
        {"passages": [{"n": "x", "score": None, "scores": None, "heading": None}]},
    ],
)  # fmt: skip
def test_a_trace_may_lack_anything(tenant, reviewer, trace):
    made = reply(tenant, trace=trace)
    assert reviewer.get(f"/acme/review/{made.pk}/").status_code == 200


def test_htmx_gets_the_part_that_changes(tenant, reviewer):
    made = reply(tenant)
    part = reviewer.get(f"/acme/review/{made.pk}/", headers=HTMX).content.decode()
    assert "<html" not in part
    assert part.strip().startswith('<div class="review has-detail"')


def test_the_conversation_of_a_reply_can_be_read(tenant, reviewer):
    made = reply(tenant, "<b>Is it safe?</b>")
    page = reviewer.get(f"/acme/review/{made.pk}/conversation/").content.decode()
    assert "&lt;b&gt;Is it safe?&lt;/b&gt;" in page
    assert "<p>Yes.</p>" in page


# ----- the verdict -----


def test_saving_keeps_the_verdict_and_goes_on(tenant, rita, reviewer):
    first, second = reply(tenant, "first", stars=1), reply(tenant, "second", stars=2)
    verdict = {"rating": "2", "tags": ["Tone", "Misunderstood"], "corrected": "No.", "note": "See the manual"}
    response = reviewer.post(f"/acme/review/{first.pk}/?low=1", verdict, headers=HTMX)
    page = response.content.decode()
    assert response.headers["HX-Push-Url"] == f"/acme/review/{second.pk}/?low=1"
    assert questions(page) == ["second"]
    assert "“second”" in page
    with tenant_scope(tenant.pk):
        review = Review.objects.get()
        assert (review.message_id, review.reviewer, review.rating) == (first.pk, rita, 2)
        assert (review.tags, review.corrected, review.note) == (["Misunderstood", "Tone"], "No.", "See the manual") or (
            review.tags == ["Tone", "Misunderstood"]
        )
        assert AuditEvent.objects.filter(actor="rita", action="reply.reviewed", target=str(first.pk)).exists()


def test_after_the_last_reply_nothing_waits(tenant, reviewer):
    only = reply(tenant)
    response = reviewer.post(f"/acme/review/{only.pk}/", {"rating": "5"}, headers=HTMX)
    assert "Nothing waits for you" in response.content.decode()
    assert response.headers["HX-Push-Url"] == "/acme/review/"


def test_a_second_verdict_takes_the_place_of_the_first(tenant, reviewer):
    made = reply(tenant)
    for rating in ("1", "4"):
        reviewer.post(f"/acme/review/{made.pk}/", {"rating": rating, "note": f"gave {rating}"})
    with tenant_scope(tenant.pk):
        assert Review.objects.get().rating == 4
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    assert 'name="rating" value="4" checked' in page
    assert "gave 4" in page


def test_a_colleagues_verdict_is_shown_beside_ones_own(tenant, alice, reviewer):
    made = reply(tenant)
    with tenant_scope(tenant.pk):
        Review.objects.create(message=made, reviewer=alice, rating=3, note="I would not say so")
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    assert "gave 3 of 5" in page
    assert "I would not say so" in page


@pytest.mark.parametrize(
    "verdict", [{}, {"rating": "9"}, {"tags": ["Nonsense"]}, {"note": "   "}, {"corrected": "x" * 8001}, {"note": "\0"}]
)
def test_an_unfit_verdict_is_not_kept_and_says_why(tenant, reviewer, verdict):
    made = reply(tenant)
    page = reviewer.post(f"/acme/review/{made.pk}/", verdict, headers=HTMX).content.decode()
    assert 'role="alert"' in page
    with tenant_scope(tenant.pk):
        assert not Review.objects.exists()


def test_what_was_written_is_still_there_after_an_unfit_verdict(tenant, reviewer):
    made = reply(tenant)
    verdict = {"rating": "9", "corrected": "Better words", "tags": ["Tone"]}
    page = reviewer.post(f"/acme/review/{made.pk}/", verdict).content.decode()
    assert "Better words</textarea>" in page
    assert 'value="Tone" checked' in page


def test_reviewed_replies_can_be_found_again(tenant, reviewer):
    made = reply(tenant, "done with")
    reply(tenant, "open")
    reviewer.post(f"/acme/review/{made.pk}/", {"rating": "5"})
    for state, found in (("", {"open"}), ("reviewed", {"done with"}), ("all", {"done with", "open"})):
        assert set(questions(reviewer.get("/acme/review/", {"state": state}).content.decode())) == found


# ----- what was wanted -----


def examples(tenant) -> list[tuple[str, str, str]]:
    with tenant_scope(tenant.pk):
        return list(IntentExample.objects.values_list("intent__name", "text", "source"))


@pytest.mark.parametrize("who", ["alice", "rita"])
def test_a_correction_becomes_an_example(request, tenant, who):
    made, client = reply(tenant, "Wo bleibt mein Geld?", intents=["delivery"]), Client()
    client.force_login(request.getfixturevalue(who))
    page = client.post(f"/acme/review/{made.pk}/", {"wanted": "refund"}, headers=HTMX).content.decode()
    assert examples(tenant) == [("refund", "Wo bleibt mein Geld?", ExampleSource.REVIEWER)]
    assert page.count("is now an example of “refund”") == 2
    with tenant_scope(tenant.pk):
        taught = AuditEvent.objects.get(action="intent.taught")
        assert (taught.actor, taught.target) == (who, "refund")
        assert Review.objects.filter(message=made).exists()


def test_what_was_taught_is_shown_and_not_taught_twice(tenant, reviewer):
    made = reply(tenant, "  Where  is my money? ")
    reply(tenant, "another one")
    for _ in range(2):
        page = reviewer.post(f"/acme/review/{made.pk}/", {"wanted": "refund", "rating": "2"}).content.decode()
    assert "is now an example" not in page
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    assert '<option value="refund" selected>' in page
    assert "This message is an example of “refund”." in page
    assert examples(tenant) == [("refund", "Where is my money?", ExampleSource.REVIEWER)]
    with tenant_scope(tenant.pk):
        assert AuditEvent.objects.filter(action="intent.taught").count() == 1


def test_a_second_correction_moves_the_example(tenant, reviewer):
    made = reply(tenant, "Where is it?")
    for intent in ("refund", "delivery"):
        reviewer.post(f"/acme/review/{made.pk}/", {"wanted": intent})
    assert [name for name, _, _ in examples(tenant)] == ["delivery"]


def test_intents_of_ones_own_are_offered_and_those_of_others_not(tenant, other_tenant, reviewer):
    with tenant_scope(other_tenant.pk):
        Intent.objects.create(name="lost-card")
    with tenant_scope(tenant.pk):
        Intent.objects.create(name="gift-wrap")
        Intent.objects.create(name="comparison", enabled=False)
    made = reply(tenant)
    page = reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    assert '<option value="gift-wrap">' in page
    assert "lost-card" not in page
    assert '<option value="comparison"' not in page
    for intent in ("lost-card", "comparison", "nonsense"):
        page = reviewer.post(f"/acme/review/{made.pk}/", {"wanted": intent, "rating": "1", "note": "kept"})
        assert 'role="alert"' in page.content.decode()
        assert "kept" in page.content.decode()
    assert examples(tenant) == []


def test_an_unfit_verdict_teaches_nothing_and_keeps_the_choice(tenant, reviewer):
    made = reply(tenant)
    page = reviewer.post(f"/acme/review/{made.pk}/", {"wanted": "refund", "rating": "9"}).content.decode()
    assert '<option value="refund" selected>' in page
    assert examples(tenant) == []


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_nobody_else_teaches(request, tenant, who):
    made, client = reply(tenant), Client()
    client.force_login(request.getfixturevalue(who))
    assert client.post(f"/acme/review/{made.pk}/", {"wanted": "refund"}).status_code == 404
    assert examples(tenant) == []


def test_a_reply_to_nothing_has_no_intent_to_correct(tenant, reviewer):
    made = reply(tenant)
    with tenant_scope(tenant.pk):
        Message.objects.filter(pk=made.pk).update(reply_to=None)
        add_example(intent="refund", text="Something else", actor="rita")
    assert 'name="wanted"' not in reviewer.get(f"/acme/review/{made.pk}/").content.decode()
    reviewer.post(f"/acme/review/{made.pk}/", {"wanted": "delivery", "rating": "3"})
    assert [name for name, _, _ in examples(tenant)] == ["refund"]
