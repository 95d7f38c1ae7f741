"""Fifty confirmations at once, each in a thread with a connection of its own from the pool: one execution."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection

from agents.actions import decide
from agents.models import Action, ActionState
from commerce.models import Complaint, Payment, PaymentMethod
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 50


def together(calls):
    """Run the calls in threads that start at the same moment, each with a connection of its own."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(run, call) for call in calls]]


def test_fifty_confirmations_at_once_are_one_execution(talk):
    action = talk.propose("cancel_pending_order", order_id="#W4", reason="no longer needed")
    decisions = together([lambda: talk.decide(action)] * AT_ONCE)
    assert sum(decided.ran for decided in decisions) == 1
    assert {decided.state for decided in decisions} == {ActionState.DONE}
    with tenant_scope(talk.tenant.pk):
        assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("30.25")
        assert Payment.objects.filter(order__code="#W4", kind="refund").count() == 1
        assert AuditEvent.objects.filter(action="order.cancelled").count() == 1
        assert AuditEvent.objects.filter(action="action.done").count() == 1


def test_confirmed_and_declined_at_once_it_is_one_of_them(talk):
    action = talk.propose("file_complaint", kind="other", text="The box was open")
    answers = [lambda: talk.decide(action), lambda: talk.decide(action, confirmed=False)] * 10
    decisions = together(answers)
    assert sum(decided.ran for decided in decisions) == 1
    [state] = {decided.state for decided in decisions}
    with tenant_scope(talk.tenant.pk):
        assert Complaint.objects.count() == (state == ActionState.DONE)


def test_a_model_that_asks_for_the_same_twelve_times_at_once_proposes_it_once(talk):
    actions = together([talk.propose] * 12)
    assert len({action.pk for action in actions}) == 1
    with tenant_scope(talk.tenant.pk):
        assert Action.objects.count() == 1


def test_the_changes_of_a_day_are_counted_even_when_confirmed_at_once(talk):
    talk.policy(daily_changes=2)
    talks = [talk, *(type(talk)(talk.tenant) for _ in range(5))]
    proposed = [one.propose("file_complaint", kind="other", text=f"Complaint {n}") for n, one in enumerate(talks)]
    decisions = together(
        [
            lambda one=one, action=action: decide(
                tenant_id=one.tenant.pk,
                conversation=one.conversation,
                action_id=action.pk,
                confirmed=True,
                actor="visitor",
            )
            for one, action in zip(talks * 2, proposed * 2, strict=True)
        ]
    )
    states = [talk.again(action).state for action in proposed]
    assert sorted(states) == ["approval"] * 4 + ["done"] * 2
    assert sum(decided.ran for decided in decisions) == len(proposed)
