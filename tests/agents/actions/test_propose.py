"""Proposing changes nothing, says what would happen, and repeats itself no more than the model does."""

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.actions import open_actions, propose
from agents.models import Action, ActionState
from agents.tools.base import ToolError
from agents.tools.registry import built_in
from commerce.models import Operation, OrderItem, Payment
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def test_nothing_is_changed_by_a_proposal(talk, order_of):
    with tenant_scope(talk.tenant.pk):
        payments = Payment.objects.count()
    action = talk.propose()
    assert action.state == ActionState.PROPOSED
    assert order_of("#W1").status == "pending"
    with tenant_scope(talk.tenant.pk):
        assert Payment.objects.count() == payments
        assert not Operation.objects.exists()
        assert not AuditEvent.objects.filter(action="order.cancelled").exists()
        assert AuditEvent.objects.get(action="action.proposed").target == str(action.pk)


def test_what_is_proposed_is_what_would_happen(talk):
    action = talk.propose()
    assert action.summary == "Cancel order #W1; $340.00 goes back to Visa ending 4242."
    assert action.amount == Decimal("-340.00")
    assert action.detail["amount"] == "$340.00"
    assert action.detail["amount_note"] == "back to Visa ending 4242"
    assert action.detail["currency"] == "USD"
    assert "Lamp (colour red), $20.00" in action.detail["lines"]


def test_a_proposal_waits_as_long_as_the_policy_says(talk):
    talk.policy(action_minutes=3)
    left = talk.propose().expires_at - timezone.now()
    assert timedelta(minutes=2, seconds=50) < left <= timedelta(minutes=3)


def test_a_model_that_repeats_itself_gets_the_same_action_with_its_time_renewed(talk):
    first = talk.propose()
    with tenant_scope(talk.tenant.pk):
        Action.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    second = talk.propose()
    assert second.pk == first.pk
    assert second.reply != first.reply, "it belongs to the reply that proposes it now"
    assert second.expires_at > timezone.now() + timedelta(minutes=10)
    with tenant_scope(talk.tenant.pk):
        assert Action.objects.count() == 1


def test_other_arguments_are_another_action(talk):
    first = talk.propose()
    assert talk.propose(order_id="#W1", reason="ordered by mistake").pk != first.pk


def test_an_expired_proposal_is_not_taken_up_again(talk):
    first = talk.propose()
    with tenant_scope(talk.tenant.pk):
        Action.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert talk.propose().pk != first.pk
    assert talk.again(first).state == ActionState.EXPIRED


def test_a_proposal_that_would_cost_something_else_now_replaces_the_old(talk):
    first = talk.propose("return_delivered_order_items", order_id="#W2", item_ids=["D-OAK"], payment_method_id="card_1")
    with tenant_scope(talk.tenant.pk):
        OrderItem.objects.filter(order__code="#W2", variant_code="D-OAK").update(price=Decimal("299.99"))
    second = talk.propose(
        "return_delivered_order_items", order_id="#W2", item_ids=["D-OAK"], payment_method_id="card_1"
    )
    assert second.pk != first.pk
    assert second.amount == Decimal("-299.99")
    assert talk.again(first).state == ActionState.EXPIRED


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("cancel_pending_order", {"order_id": "#W9", "reason": "no longer needed"}, "not_found"),
        ("cancel_pending_order", {"order_id": "#W2", "reason": "no longer needed"}, "wrong_status"),
        ("cancel_pending_order", {"order_id": "#W1", "reason": "because"}, "wrong_reason"),
        (
            "return_delivered_order_items",
            {"order_id": "#W2", "item_ids": ["D-PINE"], "payment_method_id": "card_1"},
            "not_found",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#W1", "item_ids": ["L-RED"], "new_item_ids": ["L-GREEN"], "payment_method_id": "card_1"},
            "unavailable",
        ),
        (
            "modify_pending_order_items",
            {"order_id": "#W1", "item_ids": ["L-RED"], "new_item_ids": ["L-GOLD"], "payment_method_id": "gift_1"},
            "balance_too_low",
        ),
        ("request_refund", {"order_id": "#W2", "amount": -1, "reason": "x"}, "wrong_amount"),
        ("request_refund", {"order_id": "#W2", "amount": 340.01, "reason": "x"}, "wrong_amount"),
        ("request_refund", {"order_id": "#W2", "amount": 1, "reason": "x", "currency": "EUR"}, "wrong_currency"),
    ],
)
def test_what_is_not_possible_is_not_proposed(talk, name, arguments, code):
    with pytest.raises(ToolError) as refused:
        talk.propose(name, **arguments)
    assert refused.value.code == code
    with tenant_scope(talk.tenant.pk):
        assert not Action.objects.exists()


def test_nobody_known_proposes_nothing(talk):
    with tenant_scope(talk.tenant.pk), pytest.raises(ToolError) as refused:
        propose(replace(talk.context, customer=None), built_in()["cancel_pending_order"], {"order_id": "#W1"})
    assert refused.value.code == "not_verified"


def test_a_conversation_holds_only_so_many_open_changes(talk):
    for number in range(5):
        talk.propose("file_complaint", kind="other", text=f"Complaint {number}")
    with pytest.raises(ToolError) as refused:
        talk.propose("file_complaint", kind="other", text="One more")
    assert refused.value.code == "too_many_open"


def test_open_actions_are_those_of_the_conversation_that_have_not_expired(talk):
    action = talk.propose()
    with tenant_scope(talk.tenant.pk):
        assert [found.pk for found in open_actions(talk.conversation)] == [action.pk]
        assert open_actions(uuid.uuid4()) == []
        Action.objects.update(expires_at=timezone.now())
        assert open_actions(talk.conversation) == []
