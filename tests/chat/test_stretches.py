"""A long conversation is shown a stretch at a time, on every page that shows it."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import handover, queries, stretches
from chat.models import Conversation, Handler, Handover, Message, Role, State
from tenants.access import VISITOR_COOKIE, sign_visitor
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tests.conftest import person as make_person

pytestmark = pytest.mark.django_db
TURNS = 130
NUMBER = re.compile(r"(?:Question|Answer) (\d+)\.")


@pytest.fixture
def visitor():
    return uuid.uuid4()


@pytest.fixture
def long(tenant, visitor):
    """A conversation of TURNS questions and answers, five minutes apart."""
    began = timezone.now() - timedelta(days=2)
    with tenant_scope(tenant.pk):
        made = Conversation.objects.create(visitor=visitor, title="Long", updated_at=timezone.now(), last_seq=2 * TURNS)
        said = []
        for n in range(TURNS):
            at = began + timedelta(minutes=5 * n)
            common = {"tenant_id": tenant.pk, "conversation": made}
            question = Message(role="customer", text=f"Question {n}.", created_at=at, seq=2 * n + 1, **common)
            answer = {"text": f"Answer {n}.", "html": f"<p>Answer {n}.</p>", "created_at": at + timedelta(seconds=2)}
            said += [question, Message(role="assistant", reply_to=question, seq=2 * n + 2, **answer, **common)]
        Message.objects.bulk_create(said)
    return made


@pytest.fixture
def said(long):
    with tenant_scope(long.tenant_id):
        yield queries.messages_of(long)


@pytest.fixture
def client(visitor):
    client = Client()
    client.cookies[VISITOR_COOKIE] = sign_visitor(visitor)
    return client


@pytest.fixture
def agent(tenant, long):
    with tenant_scope(tenant.pk):
        handover.request_handover(conversation_id=long.pk, reason="customer_request")
    client = Client()
    client.force_login(make_person(tenant, "maya", MemberRole.OWNER))
    return client


def numbers(html):
    """The questions and answers shown, by their numbers."""
    return [int(number) for number in NUMBER.findall(html)]


def button(html):
    """Where a page's button for what is earlier leads; None for no button."""
    found = re.search(r'hx-get="([^"]*earlier[^"]*)"', html)
    return found and found[1]


def texts(stretch):
    return [message.text for message in stretch.messages]


# Stretches


def test_the_last_messages_and_those_before_them(said):
    last = stretches.latest(said)
    assert (texts(last)[0], texts(last)[-1], len(last.messages)) == ("Question 80.", "Answer 129.", 100)
    assert (last.earlier, last.later, last.begins) == (True, False, last.first.created_at)
    before = stretches.latest(said, before=last.first)
    assert (texts(before)[0], texts(before)[-1], before.earlier, before.later) == (
        "Question 30.",
        "Answer 79.",
        True,
        True,
    )
    first = stretches.latest(said, before=before.first)
    assert (texts(first)[0], len(first.messages), first.earlier, first.begins) == ("Question 0.", 60, False, None)
    assert texts(stretches.latest(said, before=first.first)) == []


def test_messages_of_one_moment_come_once_each(said, long):
    Message.objects.filter(conversation=long).update(created_at=timezone.now())
    seen, stretch = [], stretches.latest(said)
    while stretch.messages:
        seen = texts(stretch) + seen
        stretch = stretches.latest(said, before=stretch.first)
    assert len(seen) == len(set(seen)) == 2 * TURNS


def test_a_stretch_ends_where_a_page_would_hold_too_much(said, long):
    Message.objects.filter(conversation=long, text="Answer 120.").update(text="x" * 300_000)
    last = stretches.latest(said)
    assert (texts(last)[0], last.earlier) == ("Question 121.", True)
    alone = stretches.latest(said, before=last.first)
    assert (len(texts(alone)[0]), len(alone.messages), alone.earlier) == (300_000, 1, True)
    assert texts(stretches.latest(said, before=alone.first))[-1] == "Question 120."


def test_around_a_message(said):
    middle = said.get(text="Answer 60.")
    stretch = stretches.around(said, middle)
    assert (texts(stretch)[0], texts(stretch)[-1], len(stretch.messages)) == ("Answer 35.", "Answer 85.", 101)
    assert (stretch.earlier, stretch.later) == (True, True)
    start = stretches.around(said, said.first())
    assert (texts(start)[0], start.earlier, start.later) == ("Question 0.", False, True)


def test_since_a_message_until_that_is_too_long(said):
    first = said.get(text="Question 100.")
    assert (texts(stretches.since(said, first))[0], stretches.since(said, first).earlier) == ("Question 100.", True)
    assert stretches.since(said, said.get(text="Question 40.")).first.text == "Question 40."
    assert stretches.since(said, said.get(text="Question 20.")).first.text == "Question 80."
    assert not stretches.since(said.filter(text__startswith="Answer"), said.get(text="Answer 0.")).earlier


# Pages of the customer


def test_the_page_shows_the_last_and_a_button_the_ones_before(client, long):
    html = client.get(f"/acme/c/{long.pk}/").content.decode()
    assert sorted(set(numbers(html))) == list(range(80, 130))
    first = client.get(button(html)).content.decode()
    assert sorted(set(numbers(first))) == list(range(30, 80))
    second = client.get(button(first)).content.decode()
    assert sorted(set(numbers(second))) == list(range(30))
    assert button(second) is None
    assert "<html" not in second


def test_the_button_is_for_ones_own_conversation_and_messages(client, long, tenant, charlie):
    address = button(client.get(f"/acme/c/{long.pk}/").content.decode())
    assert Client().get(address).status_code == 404
    outsider = Client()
    outsider.force_login(charlie)
    assert outsider.get(address).status_code == 404
    with tenant_scope(tenant.pk):
        other = Conversation.objects.create(visitor=uuid.uuid4(), title="Other", updated_at=timezone.now())
        foreign = Message.objects.create(conversation=other, role="customer", text="x", created_at=timezone.now())
        note = Message.objects.create(conversation=long, role="note", text="x", created_at=timezone.now())
    for before in (foreign.pk, note.pk, uuid.uuid4(), "x", ""):
        assert client.get(f"/acme/c/{long.pk}/earlier/?before={before}").status_code == 404


def test_a_short_conversation_has_no_button(client, long, tenant):
    with tenant_scope(tenant.pk):
        Message.objects.filter(conversation=long, seq__lte=2 * TURNS - 100).delete()
    assert button(client.get(f"/acme/c/{long.pk}/").content.decode()) is None


def test_the_page_costs_as_many_statements_however_long_it_is(client, long, tenant):
    def cost():
        with CaptureQueriesContext(connection) as statements:
            client.get(f"/acme/c/{long.pk}/")
        return len(statements)

    many = cost()
    with tenant_scope(tenant.pk):
        Message.objects.filter(conversation=long, seq__gt=20).delete()
    assert cost() == many


def test_a_reply_that_was_asked_again_is_left_out_in_its_own_stretch(client, long, tenant):
    with tenant_scope(tenant.pk):
        broken = Message.objects.get(conversation=long, text="Answer 10.")
        Message.objects.filter(pk=broken.pk).update(state=State.FAILED)
        again = {"role": "assistant", "reply_to_id": broken.reply_to_id, "text": "Answer 500.", "conversation": long}
        Message.objects.create(created_at=timezone.now(), html="<p>Answer 500.</p>", seq=999, **again)
    html = client.get(f"/acme/c/{long.pk}/").content.decode()
    assert 500 in numbers(html)
    for _ in range(2):
        html = client.get(button(html)).content.decode()
    assert numbers(html).count(10) == 1  # the question alone


def test_what_happened_to_handovers_stands_in_its_stretch(client, long, tenant, alice):
    with tenant_scope(tenant.pk):
        for text in ("Answer 100.", "Answer 50."):
            at = Message.objects.get(conversation=long, text=text).created_at
            Handover.objects.create(
                conversation=long, reason="customer_request", state="closed", taken_by=alice, taken_at=at, ended_at=at
            )
    html = client.get(f"/acme/c/{long.pk}/").content.decode()
    before = client.get(button(html)).content.decode()
    first = client.get(button(before)).content.decode()
    assert [part.count("alice answers here.") for part in (html, before, first)] == [1, 1, 0]


def test_a_reply_under_way_is_resumed_though_much_has_been_asked_since(client, long, tenant):
    with tenant_scope(tenant.pk):
        Message.objects.filter(conversation=long, text="Answer 3.").update(state=State.RUNNING)
    page = client.get(f"/acme/c/{long.pk}/").content.decode()
    assert 'data-after="7"' in page


# Pages of the tenant's people


def test_an_agent_reads_on_from_where_the_thread_began(agent, long, tenant):
    page = agent.get(f"/acme/inbox/{long.pk}/").content.decode()
    assert sorted(set(numbers(page.partition('id="thread"')[2]))) == list(range(80, 130))
    before = agent.get(button(page)).content.decode()
    assert sorted(set(numbers(before))) == list(range(30, 80))
    with tenant_scope(tenant.pk):
        first = Message.objects.get(conversation=long, text="Question 80.")
        Message.objects.create(conversation=long, role="note", text="Answer 999.", created_at=timezone.now())
    live = agent.get(f"/acme/inbox/{long.pk}/live/?first={first.pk}").content.decode()
    assert (numbers(live)[0], numbers(live)[-1], "hx-swap-oob" in live.partition("moved")[0]) == (80, 999, True)
    assert 'id="before"' not in live
    far = agent.get(f"/acme/inbox/{long.pk}/live/?first={uuid.uuid4()}").content.decode()
    assert 'id="before"' in far
    assert agent.get(f"/acme/inbox/{long.pk}/earlier/?before={uuid.uuid4()}").status_code == 404


def test_a_reviewer_reads_what_stands_around_a_reply(agent, long, tenant):
    with tenant_scope(tenant.pk):
        reply = Message.objects.get(conversation=long, text="Answer 60.")
        last = Message.objects.get(conversation=long, text="Answer 85.")
    html = agent.get(f"/acme/review/{reply.pk}/conversation/?state=all").content.decode()
    assert (min(numbers(html)), max(numbers(html))) == (35, 85)
    assert f"?state=all&amp;at={last.pk}" in html
    html = agent.get(f"/acme/review/{reply.pk}/conversation/?at={last.pk}").content.decode()
    assert (min(numbers(html)), max(numbers(html))) == (60, 110)
    html = agent.get(f"/acme/review/{reply.pk}/conversation/?at=x").content.decode()
    assert 60 in numbers(html)


def test_only_agents_and_reviewers_see_these(agent, long, tenant, bob, charlie):
    with tenant_scope(tenant.pk):
        reply = Message.objects.get(conversation=long, text="Answer 60.")
    for someone in (bob, charlie):
        client = Client()
        client.force_login(someone)
        for address in (f"inbox/{long.pk}/earlier/?before={reply.pk}", f"review/{reply.pk}/conversation/"):
            assert client.get(f"/acme/{address}").status_code == 404


# What the agent is told


def test_what_the_customer_typed_is_bounded(long, tenant, monkeypatch):
    monkeypatch.setattr(queries, "TYPED_MESSAGES", 3)
    with tenant_scope(tenant.pk):
        Message.objects.filter(text="Question 128.").update(text="x" * 400_000)
        typed = queries.typed_by_customer(long.pk)
    assert [text[:15] for text in typed] == ["Question 127.", "x" * 15, "Question 129."]
    assert len(typed[1]) == 8_000


def test_the_handler_is_unchanged_by_reading(agent, long, tenant):
    agent.get(f"/acme/inbox/{long.pk}/")
    with tenant_scope(tenant.pk):
        assert Conversation.objects.get(pk=long.pk).handled_by == Handler.QUEUE
        assert Message.objects.filter(conversation=long, role=Role.CUSTOMER).count() == TURNS
