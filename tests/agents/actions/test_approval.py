"""What is above the tenant's limits waits for a person."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from agents.actions import ActionNotFound, approve, as_events, refuse, waiting_for_approval
from agents.events import Handover
from agents.models import ActionState
from commerce.models import OrderItem
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tenants.services import add_member
from tests.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(tenant):
    return person(tenant, "adam", Role.AGENT)


@pytest.fixture
def large(talk):
    """Ann's cancellation of an order of 340.00, which she has confirmed, where 100.00 is the limit."""
    talk.policy(approval_amount=Decimal("100.00"))
    action = talk.propose()
    talk.decide(action)
    return action


def test_a_large_change_waits_for_a_person_once_it_is_confirmed(talk, order_of):
    talk.policy(approval_amount=Decimal("339.99"))
    action = talk.propose()
    assert action.state == ActionState.PROPOSED
    decided = talk.decide(action)
    assert (decided.ran, decided.state) == (True, ActionState.APPROVAL)
    assert as_events(decided)[1] == Handover("approval", action.summary)
    assert order_of("#W1").status == "pending"
    again = talk.decide(action)
    assert (again.ran, again.state) == (False, ActionState.APPROVAL)
    assert len(as_events(again)) == 1, "the hand-over is asked for once"
    with tenant_scope(talk.tenant.pk):
        assert [waiting.pk for waiting in waiting_for_approval()] == [action.pk]


def test_at_the_limit_nobody_is_asked(talk):
    talk.policy(approval_amount=Decimal("340.00"))
    assert talk.decide(talk.propose()).ok


def test_a_change_of_payment_counts_what_moves(talk):
    talk.policy(approval_amount=Decimal("100.00"))
    action = talk.propose("modify_pending_order_payment", order_id="#W1", payment_method_id="paypal_1")
    assert talk.decide(action).state == ActionState.APPROVAL


def test_the_third_change_of_a_day_waits_where_two_are_the_limit(talk):
    talk.policy(daily_changes=2)
    for number in range(2):
        assert talk.decide(talk.propose("file_complaint", kind="other", text=f"Complaint {number}")).ok
    action = talk.propose()
    assert talk.decide(action).state == ActionState.APPROVAL
    ben = type(talk)(talk.tenant, "ben_2")
    assert ben.decide(ben.propose(order_id="#W9", reason="no longer needed")).ok, "each customer has their own count"


def test_a_person_agrees_and_it_is_made_once(talk, large, agent, order_of):
    with tenant_scope(talk.tenant.pk):
        decided = approve(action_id=large.pk, by=agent)
        assert not approve(action_id=large.pk, by=agent).ran
    assert (decided.ran, decided.state) == (True, ActionState.DONE)
    assert "is cancelled" in decided.outcome
    assert order_of("#W1").status == "cancelled"
    row = talk.again(large)
    assert row.decided_by == "adam"
    with tenant_scope(talk.tenant.pk):
        steps = AuditEvent.objects.filter(target=str(large.pk)).order_by("pk").values_list("action", "actor")
        assert list(steps) == [
            ("action.proposed", "visitor"),
            ("action.confirmed", "visitor"),
            ("action.approval", "askwell"),
            ("action.approved", "adam"),
            ("action.done", "adam"),
        ]


def test_a_person_refuses_and_nothing_is_made(talk, large, agent, order_of):
    with tenant_scope(talk.tenant.pk):
        decided = refuse(action_id=large.pk, by=agent, reason="We  spoke\nabout it")
        assert approve(action_id=large.pk, by=agent).state == ActionState.REFUSED
    assert decided.outcome == "This was not approved, and nothing was changed: We spoke about it"
    assert order_of("#W1").status == "pending"
    assert talk.decide(large).state == ActionState.REFUSED


def test_an_approved_change_cannot_be_refused(talk, large, agent):
    with tenant_scope(talk.tenant.pk):
        approve(action_id=large.pk, by=agent)
        assert refuse(action_id=large.pk, by=agent).state == ActionState.DONE


def test_what_has_changed_while_it_waited_is_not_made(talk, large, agent, order_of):
    with tenant_scope(talk.tenant.pk):
        type(order_of("#W1")).objects.filter(code="#W1").update(status="processed")
        decided = approve(action_id=large.pk, by=agent)
    assert decided.state == ActionState.FAILED
    assert "no longer possible" in decided.outcome


def test_an_approval_agrees_to_what_was_shown(talk, agent):
    talk.policy(approval_amount=Decimal("1.00"))
    action = talk.propose(
        "return_delivered_order_items", order_id="#W2", item_ids=["D-OAK"], payment_method_id="card_1"
    )
    talk.decide(action)
    with tenant_scope(talk.tenant.pk):
        OrderItem.objects.filter(order__code="#W2", variant_code="D-OAK").update(price=Decimal("1300.00"))
        assert approve(action_id=action.pk, by=agent).state == ActionState.FAILED


@pytest.mark.parametrize("step", [approve, refuse])
def test_only_agents_and_owners_decide(talk, large, alice, bob, charlie, step):
    reviewer = person(talk.tenant, "rita", Role.REVIEWER, Role.CURATOR)
    with tenant_scope(talk.tenant.pk):
        for somebody in (bob, charlie, reviewer):
            with pytest.raises(PermissionDenied):
                step(action_id=large.pk, by=somebody)
        assert step(action_id=large.pk, by=alice).ran


@pytest.mark.parametrize("step", [approve, refuse])
def test_another_tenants_agents_find_nothing(talk, large, other_tenant, agent, step):
    with tenant_scope(other_tenant.pk):
        add_member(user=agent, role=Role.AGENT)
        with pytest.raises(ActionNotFound):
            step(action_id=large.pk, by=agent)


@pytest.mark.parametrize("step", [approve, refuse])
def test_what_the_customer_has_not_confirmed_is_not_approved(talk, agent, order_of, step):
    action = talk.propose()
    with tenant_scope(talk.tenant.pk):
        assert not step(action_id=action.pk, by=agent).ran
    assert talk.again(action).state == ActionState.PROPOSED
    assert order_of("#W1").status == "pending"
