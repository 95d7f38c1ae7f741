"""The admin's list of changes: who may come, and who may say yes or no."""

from decimal import Decimal

import pytest
from django.urls import reverse

from agents.actions.signals import settled
from agents.models import ActionState
from tenants.models import Role
from tests.conftest import person

pytestmark = pytest.mark.django_db
LIST = "/admin/agents/action/"


@pytest.fixture
def waiting(talk):
    talk.policy(approval_amount=Decimal("1.00"))
    action = talk.propose()
    talk.decide(action)
    return action


@pytest.fixture
def told():
    heard = []

    def hear(decided, **_):
        heard.append(decided)

    settled.connect(hear)
    yield heard
    settled.disconnect(hear)


def sign_in(client, tenant, *roles):
    user = person(tenant, "adam", *roles)
    client.force_login(user)
    return user


def act(client, action, *actions):
    data = {"action": action, "_selected_action": [str(one.pk) for one in actions]}
    return client.post(LIST, data, follow=True)


def texts(response):
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize(("role", "status"), [(Role.OWNER, 200), (Role.AGENT, 200), (Role.CURATOR, 403)])
def test_agents_and_owners_see_the_changes(client, talk, waiting, role, status):
    sign_in(client, talk.tenant, role)
    page = client.get(LIST)
    assert page.status_code == status
    if status == 200:
        assert "Cancel order #W1" in page.content.decode()
        assert "-$340.00" in page.content.decode()


def test_customers_and_outsiders_do_not_come_in(client, talk, waiting, bob, charlie):
    for user in (bob, charlie):
        client.force_login(user)
        assert client.get(LIST).status_code in (302, 403, 404)


def test_nothing_of_a_change_can_be_written(client, talk, waiting):
    sign_in(client, talk.tenant, Role.OWNER)
    page = reverse("admin:agents_action_change", args=[waiting.pk])
    assert client.get(page).status_code == 200
    client.post(page, {"summary": "Something else"})
    assert talk.again(waiting).summary == waiting.summary
    assert client.post(reverse("admin:agents_action_delete", args=[waiting.pk])).status_code == 403
    assert client.get("/admin/agents/action/add/").status_code == 403


def test_the_list_is_filtered_by_state_and_tool(client, talk, waiting):
    sign_in(client, talk.tenant, Role.AGENT)
    assert "Cancel order #W1" in client.get(LIST, {"state__exact": "approval"}).content.decode()
    assert "Cancel order #W1" not in client.get(LIST, {"state__exact": "done"}).content.decode()
    assert "Cancel order #W1" not in client.get(LIST, {"tool": "file_complaint"}).content.decode()


def test_an_agent_approves(client, talk, waiting, told, order_of):
    sign_in(client, talk.tenant, Role.AGENT)
    assert texts(act(client, "approve", waiting)) == ["Order #W1 is cancelled; $340.00 goes back to Visa ending 4242."]
    assert order_of("#W1").status == "cancelled"
    assert talk.again(waiting).decided_by == "adam"
    assert "does not wait for approval" in texts(act(client, "approve", waiting))[-1]
    assert [decided.state for decided in told] == [ActionState.DONE], "the customer is told once"


def test_an_agent_refuses(client, talk, waiting, told, order_of):
    sign_in(client, talk.tenant, Role.AGENT)
    act(client, "refuse", waiting)
    assert talk.again(waiting).state == ActionState.REFUSED
    assert order_of("#W1").status == "pending"
    assert [decided.state for decided in told] == [ActionState.REFUSED]


def test_the_sidebar_leads_agents_there(client, talk):
    sign_in(client, talk.tenant, Role.AGENT)
    assert f'href="{LIST}"' in client.get("/admin/").content.decode()
