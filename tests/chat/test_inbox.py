"""The inbox's pages: who may, what is listed first, what is shown beside, and that nothing written is lost."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import Action, Session
from chat import desk, handover, notifications
from chat.models import Conversation, Handover, InboxSettings, Message, Role
from commerce.models import Customer, Order
from tenants.access import VISITOR_COOKIE, sign_visitor
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tests.conftest import person as make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(tenant):
    return make_person(tenant, "maya", MemberRole.AGENT)


def client_of(user) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


@pytest.fixture
def agent(maya):
    return client_of(maya)


def waiting(tenant, question="Where is ORD-1002?", *, email="", minutes=0, reason="customer_request"):
    with tenant_scope(tenant.pk):
        made = Conversation.objects.create(visitor=uuid.uuid4(), title=question, updated_at=timezone.now())
        Message.objects.create(conversation=made, role=Role.CUSTOMER, text=question, created_at=timezone.now(), seq=1)
        handover.request_handover(conversation_id=made.pk, reason=reason)
        since = timezone.now() - timedelta(minutes=minutes)
        Handover.objects.filter(conversation=made).update(email=email, created_at=since)
        return made


def taken(tenant, by, **options):
    made = waiting(tenant, **options)
    with tenant_scope(tenant.pk):
        handover.take_over(conversation_id=made.pk, by=by)
    return made


def path(conversation, act=""):
    return f"/acme/inbox/{conversation.pk}/{act}{'/' if act else ''}"


def row_of(tenant):
    with tenant_scope(tenant.pk):
        return Handover.objects.select_related("conversation", "taken_by").get()


# ----- who may -----


@pytest.mark.parametrize(("role", "status"), [
    (MemberRole.OWNER, 200), (MemberRole.AGENT, 200), (MemberRole.REVIEWER, 404), (MemberRole.CURATOR, 404),
    (MemberRole.CUSTOMER, 404), (None, 404),
])  # fmt: skip
def test_agents_and_owners_see_the_inbox(tenant, role, status):
    made = waiting(tenant)
    client = client_of(make_person(tenant if role else None, "someone", *([role] if role else [])))
    for address in ("/acme/inbox/", "/acme/inbox/list/", path(made), path(made, "live")):
        assert client.get(address).status_code == status
    for act in ("note", "decide", "message", "take", "return", "close"):
        answer = client.post(path(made, act), {"text": "x"}, headers={"HX-Request": "true"})
        expected = 404 if act == "decide" else status
        assert answer.status_code == expected, act


def test_nobody_signed_in_is_asked_to(tenant):
    made = waiting(tenant)
    for address in ("/acme/inbox/", path(made)):
        assert client_of(None).get(address).url.startswith("/accounts/sign-in/")
    assert client_of(None).post(path(made, "take")).status_code == 302
    assert row_of(tenant).state == "waiting"


def test_an_agent_of_another_tenant_sees_nothing(tenant, other_tenant):
    made = waiting(tenant)
    client = client_of(make_person(other_tenant, "omar", MemberRole.AGENT))
    assert client.get(path(made)).status_code == 404
    assert client.get(f"/globex/inbox/{made.pk}/").status_code == 404
    assert client.post(f"/globex/inbox/{made.pk}/take/").status_code == 404


def test_what_is_not_in_the_inbox_is_not_shown(tenant, agent):
    with tenant_scope(tenant.pk):
        made = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now())
    assert agent.get(path(made)).status_code == 404
    assert agent.post(path(made, "take")).status_code == 404
    assert agent.post(path(waiting(tenant), "dance")).status_code == 404


# ----- the list -----


def order(page, *texts):
    return sorted(texts, key=page.index)


def test_those_with_an_address_come_first_then_those_who_wait_longest(tenant, agent):
    waiting(tenant, "Newest", minutes=1)
    waiting(tenant, "Oldest", minutes=50)
    waiting(tenant, "Mail", minutes=5, email="ann@example.com")
    page = agent.get("/acme/inbox/").text
    assert order(page, "Newest", "Oldest", "Mail") == ["Mail", "Oldest", "Newest"]
    assert "50\xa0minutes" in page
    assert 'id="inbox-count">3' in page


@pytest.mark.parametrize(("show", "seen"), [
    ("waiting", {"Waits"}), ("mine", {"Own"}), ("open", {"Waits", "Own", "Theirs"}), ("closed", {"Over"}),
    ("nonsense", {"Waits"}),
])  # fmt: skip
def test_filters(tenant, agent, maya, alice, show, seen):
    waiting(tenant, "Waits")
    taken(tenant, maya, question="Own")
    taken(tenant, alice, question="Theirs")
    over = waiting(tenant, "Over")
    with tenant_scope(tenant.pk):
        handover.close(conversation_id=over.pk, by=maya)
    page = agent.get(f"/acme/inbox/?show={show}").text
    assert {name for name in ("Waits", "Own", "Theirs", "Over") if f'reply-q">{name}<' in page} == seen


def test_a_list_that_has_not_changed_is_not_sent_again(tenant, agent, maya):
    made = waiting(tenant)
    first = agent.get("/acme/inbox/list/")
    seen = first.context["version"]
    assert agent.get(f"/acme/inbox/list/?seen={seen}").status_code == 204
    with tenant_scope(tenant.pk):
        handover.take_over(conversation_id=made.pk, by=maya)
    changed = agent.get(f"/acme/inbox/list/?seen={seen}")
    assert changed.status_code == 200
    assert 'id="inbox-count" hx-swap-oob="true" hidden>0' in changed.text


def test_a_look_at_the_list_is_cheap(tenant, agent, django_assert_max_num_queries):
    for n in range(12):
        waiting(tenant, f"Question {n}")
    agent.get("/acme/inbox/list/")
    with django_assert_max_num_queries(14):
        agent.get("/acme/inbox/list/")


def test_the_count_stands_in_the_navigation_of_those_who_answer(tenant, agent, bob):
    waiting(tenant)
    assert 'id="inbox-count">1' in agent.get("/acme/").text
    assert "inbox-count" not in client_of(bob).get("/acme/").text


# ----- one conversation -----


def test_the_thread_shows_what_was_said_and_the_record_beside_it(tenant, agent, maya):
    made = taken(tenant, maya)
    with tenant_scope(tenant.pk):
        lee = Customer.objects.create(code="lee", first_name="Ann", last_name="Lee", email="ann@example.com")
        Session.objects.create(conversation=made.pk, customer=lee, proof="email")
        Order.objects.create(code="ORD-1002", customer=lee, status="delivered")
    page = agent.get(path(made)).text
    for text in ("Where is ORD-1002?", "Ann Lee", "ann@example.com", "delivered", "You answer here", "Give back"):
        assert text in page


def test_taking_over_answering_and_giving_back(tenant, agent, maya):
    made = waiting(tenant)
    assert "Take over" in agent.get(path(made)).text
    page = agent.post(path(made, "take"), headers={"HX-Request": "true"}).text
    assert 'id="answer-text"' in page
    page = agent.post(
        path(made, "message"), {"text": "On its **way**", "client_id": "1"}, headers={"HX-Request": "true"}
    )
    assert "<strong>way</strong>" in page.text
    page = agent.post(path(made, "note"), {"text": "Be kind"}, headers={"HX-Request": "true"}).text
    assert "Be kind" in page
    page = agent.post(path(made, "return"), headers={"HX-Request": "true"}).text
    assert "Given back to the assistant" in page
    assert row_of(tenant).conversation.handled_by == "bot"


def test_it_works_without_scripts(tenant, agent):
    made = waiting(tenant)
    answer = agent.post(path(made, "take"))
    assert (answer.status_code, answer.url) == (302, path(made))


def test_what_was_written_stays_when_a_colleague_was_quicker(tenant, agent, maya, alice):
    made = taken(tenant, maya)
    with tenant_scope(tenant.pk):
        handover.take_over(conversation_id=made.pk, by=alice, instead_of=maya.pk)
    page = agent.post(path(made, "message"), {"text": "A long answer"}, headers={"HX-Request": "true"}).text
    assert "alice has this conversation now." in page
    assert ">A long answer</textarea>" in page


def test_taking_from_a_colleague_asks_first(tenant, agent, alice, maya):
    made = taken(tenant, alice)
    page = agent.get(path(made)).text
    assert "alice is answering. Take this conversation from them?" in page
    refused = agent.post(path(made, "take"), headers={"HX-Request": "true"}).text
    assert "alice has this conversation." in refused
    agent.post(path(made, "take"), {"from": alice.pk})
    assert row_of(tenant).taken_by == maya


def test_a_change_is_refused_with_a_reason_only_in_its_own_conversation(tenant, agent, maya):
    made, other = taken(tenant, maya), waiting(tenant, "Another")
    with tenant_scope(tenant.pk):
        action = Action.objects.create(
            conversation=made.pk, reply=uuid.uuid4(), tool="x", summary="Refund $900", state="approval",
            expires_at=timezone.now(),
        )  # fmt: skip
    assert "Refund $900" in agent.get(path(made)).text
    word = {"action": action.pk, "word": "refuse", "reason": "Too late"}
    assert agent.post(path(other, "decide"), word).status_code == 404
    assert agent.post(path(made, "decide"), {"action": "nonsense"}).status_code == 404
    page = agent.post(path(made, "decide"), word, headers={"HX-Request": "true"}).text
    assert "Too late" in page
    with tenant_scope(tenant.pk):
        assert Action.objects.get().state == "refused"


def test_a_thread_that_has_not_changed_is_not_sent_again(tenant, agent, maya):
    made = taken(tenant, maya)
    page = agent.get(path(made)).text
    version, standing = (re.search(f'name="{name}" value="(.+?)"', page)[1] for name in ("version", "standing"))
    query = f"?version={version}&standing={standing}"
    assert agent.get(path(made, "live") + query).status_code == 204
    with tenant_scope(tenant.pk):
        Message.objects.create(conversation=made, role=Role.CUSTOMER, text="Hello?", created_at=timezone.now())
    page = agent.get(path(made, "live") + query).text
    assert "Hello?" in page
    assert "desk-head" not in page
    with tenant_scope(tenant.pk):
        handover.close(conversation_id=made.pk, by=maya)
    assert "desk-head" in agent.get(path(made, "live") + query).text


def test_customers_text_is_text(tenant, agent):
    page = agent.get(path(waiting(tenant, "<img src=x onerror=alert(1)>"))).text
    assert "<img src=x" not in page


def test_an_agent_reads_the_sources_of_conversations_in_the_inbox_only(tenant, agent):
    made = waiting(tenant)
    with tenant_scope(tenant.pk):
        alone = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now())
        seen, unseen = (
            Message.objects.create(conversation=c, role=Role.ASSISTANT, text="Yes", created_at=timezone.now())
            for c in (made, alone)
        )
    assert agent.get(f"/acme/messages/{seen.pk}/").status_code == 200
    assert agent.get(f"/acme/messages/{unseen.pk}/").status_code == 404


# ----- the customer's page -----


@pytest.fixture
def customer(tenant):
    made = waiting(tenant)
    client = Client()
    client.cookies[VISITOR_COOKIE] = sign_visitor(made.visitor)
    client.page, client.card = f"/acme/c/{made.pk}/", f"/acme/c/{made.pk}/handover/"
    client.conversation = made
    return client


def test_a_customer_reads_who_answers(customer, tenant, maya):
    with tenant_scope(tenant.pk):
        InboxSettings.objects.create(hours="Monday to Friday, 9:00 to 17:00")
    assert "nobody is there just now" in customer.get(customer.page).text
    assert "We answer Monday to Friday, 9:00 to 17:00." in customer.get(customer.card).text
    client_of(maya).get("/acme/inbox/")
    assert "They can see this conversation" in customer.get(customer.card).text
    with tenant_scope(tenant.pk):
        handover.take_over(conversation_id=customer.conversation.pk, by=maya)
    page = customer.get(customer.page).text
    assert "maya is writing with you." in page
    assert "maya answers here." in page
    with tenant_scope(tenant.pk):
        handover.close(conversation_id=customer.conversation.pk, by=maya)
    page = customer.get(customer.page).text
    assert 'aria-label="Who answers" hidden' in page
    assert "This request was closed." in page


def test_a_note_is_never_on_the_customers_page(customer, tenant, agent):
    agent.post(path(customer.conversation, "note"), {"text": "Suspicious"})
    assert "Suspicious" not in customer.get(customer.page).text


def test_an_address_is_left_and_a_bad_one_said_and_kept(customer, tenant):
    page = customer.post(customer.card, {"email": "ann@"}).text
    assert "That is no e-mail address." in page
    assert 'value="ann@"' in page
    assert "We write to" in customer.post(customer.card, {"email": "ann@example.com"}).text
    assert row_of(tenant).email == "ann@example.com"


def test_nobody_elses_card_is_to_be_had(customer, agent):
    for client in (Client(), agent):
        assert client.get(customer.card).status_code == 404
        assert client.post(customer.card, {"email": "eve@example.com"}).status_code == 404


def test_looks_are_noted_once_a_minute(scope):
    desk.note_presence()
    first = InboxSettings.objects.get().seen_at
    desk.note_presence()
    assert InboxSettings.objects.get().seen_at == first
    InboxSettings.objects.update(seen_at=first - timedelta(minutes=11))
    desk.note_presence()
    assert InboxSettings.objects.get().seen_at > first


# ----- e-mail to the tenant's people -----


@pytest.fixture
def notified(tenant):
    with tenant_scope(tenant.pk):
        InboxSettings.objects.create(notify="team@example.com\nlead@example.com")
    waiting(tenant)
    return row_of(tenant)


def test_people_are_written_to_once(tenant, notified):
    job = ProcrastinateJob.objects.get(task_name="chat.notify_handover")
    assert job.args == {"tenant_id": tenant.pk, "handover_id": notified.pk}
    for _ in range(2):
        notifications.notify(**job.args)
    assert [message.to for message in mail.outbox] == [["team@example.com", "lead@example.com"]]
    assert "Where is ORD-1002?" in mail.outbox[0].body
    assert f"/acme/inbox/{notified.conversation_id}/" in mail.outbox[0].body
    assert row_of(tenant).notified_at


def test_a_failure_is_noted_and_tried_again(tenant, notified, monkeypatch):
    def refuse(*_):
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    with pytest.raises(ConnectionRefusedError):
        notifications.notify(tenant.pk, notified.pk)
    assert row_of(tenant).notify_error == "no mail server"
    monkeypatch.undo()
    notifications.notify(tenant.pk, notified.pk)
    assert (row_of(tenant).notify_error, len(mail.outbox)) == ("", 1)


def test_nobody_is_written_to_where_nobody_wants_it_or_nobody_waits(tenant, notified, maya):
    with tenant_scope(tenant.pk):
        handover.close(conversation_id=notified.conversation_id, by=maya)
        InboxSettings.objects.update(notify="")
    notifications.notify(tenant.pk, notified.pk)
    assert mail.outbox == []
    before = ProcrastinateJob.objects.count()
    waiting(tenant, "Again")
    assert ProcrastinateJob.objects.count() == before


def test_the_admin_shows_handovers_and_settings(tenant, notified, alice):
    client = client_of(alice)
    client.get("/acme/")
    with tenant_scope(tenant.pk):
        Handover.objects.update(notify_error="no mail server")
    assert "is tried again: no mail server" in client.get("/admin/chat/handover/").text
    with tenant_scope(tenant.pk):
        pk = InboxSettings.objects.get().pk
    bad = client.post(f"/admin/chat/inboxsettings/{pk}/change/", {"hours": "9 to 5", "notify": "nonsense"})
    assert "Enter a valid email address" in bad.text
    client.post(f"/admin/chat/inboxsettings/{pk}/change/", {"hours": "9 to 5", "notify": "a@example.com"})
    with tenant_scope(tenant.pk):
        assert InboxSettings.objects.get().hours == "9 to 5"
