"""What the customer's word does: once, in time, in their own conversation, and never half."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.utils import timezone

from agents.actions import ActionNotFound, as_events, decisions, running
from agents.actions.jobs import expire_due
from agents.events import ActionDone
from agents.models import Action, ActionState, Session
from commerce.models import OrderItem, Payment, PaymentMethod, Variant
from tenants.models import AuditEvent
from tenants.scope import tenant_scope
from tests.commerce.little_shop import little_shop

pytestmark = pytest.mark.django_db

SWAP = {"order_id": "#W1", "item_ids": ["L-RED"], "new_item_ids": ["L-BLUE"], "payment_method_id": "gift_1"}


def audited(tenant):
    with tenant_scope(tenant.pk):
        events = AuditEvent.objects.filter(action__startswith="action.").order_by("pk")
        return [event.action.removeprefix("action.") for event in events]


def test_a_confirmed_change_is_made(talk, order_of):
    action = talk.propose()
    decided = talk.decide(action)
    assert decided.ran
    assert decided.ok
    assert decided.outcome == "Order #W1 is cancelled; $340.00 goes back to Visa ending 4242."
    assert decided.data["status"] == "cancelled"
    assert order_of("#W1").status == "cancelled"
    row = talk.again(action)
    assert (row.state, row.outcome) == (ActionState.DONE, decided.outcome)
    assert row.confirmed_at
    assert row.finished_at
    assert audited(talk.tenant) == ["proposed", "confirmed", "done"]
    assert as_events(decided) == [ActionDone(str(action.pk), True, decided.outcome, "done", "en")]


def test_confirmed_five_times_it_is_made_once(talk):
    action = talk.propose()
    decisions_made = [talk.decide(action) for _ in range(5)]
    assert [decided.ran for decided in decisions_made] == [True, False, False, False, False]
    assert len({decided.outcome for decided in decisions_made}) == 1
    assert decisions_made[-1].data == decisions_made[0].data
    with tenant_scope(talk.tenant.pk):
        assert Payment.objects.filter(order__code="#W1", kind="refund").count() == 1


def test_a_declined_change_stays_declined(talk, order_of):
    action = talk.propose()
    assert talk.decide(action, confirmed=False).state == ActionState.DECLINED
    late = talk.decide(action)
    assert (late.ran, late.state) == (False, ActionState.DECLINED)
    assert order_of("#W1").status == "pending"
    assert audited(talk.tenant) == ["proposed", "declined"]


def test_a_made_change_is_not_declined_any_more(talk, order_of):
    action = talk.propose()
    talk.decide(action)
    assert talk.decide(action, confirmed=False).state == ActionState.DONE
    assert order_of("#W1").status == "cancelled"


def test_an_expired_change_is_not_made(talk, order_of):
    action = talk.propose()
    with tenant_scope(talk.tenant.pk):
        Action.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    decided = talk.decide(action)
    assert (decided.ran, decided.state) == (False, ActionState.EXPIRED)
    assert "no longer open" in decided.outcome
    assert order_of("#W1").status == "pending"


def test_what_nobody_decided_expires_by_itself(talk):
    action, waiting = talk.propose(), talk.propose("file_complaint", kind="other", text="Too late")
    with tenant_scope(talk.tenant.pk):
        Action.objects.filter(pk=action.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire_due() == 1
    assert talk.again(action).state == ActionState.EXPIRED
    assert talk.again(waiting).state == ActionState.PROPOSED
    assert audited(talk.tenant)[-1] == "expired"


def test_an_action_of_another_conversation_is_not_found(talk, order_of):
    action = talk.propose()
    other = type(talk)(talk.tenant, "ben_2")
    with pytest.raises(ActionNotFound):
        talk.decide(action, conversation=other.conversation)
    with pytest.raises(ActionNotFound):
        talk.decide(action, action_id=uuid.uuid4())
    assert order_of("#W1").status == "pending"


def test_an_action_of_another_tenant_is_not_found(talk, other_tenant, order_of):
    from commerce.exchange import import_shop

    action = talk.propose()
    with tenant_scope(other_tenant.pk):
        import_shop(little_shop(), actor="test")
    with pytest.raises(ActionNotFound):
        talk.decide(action, tenant_id=other_tenant.pk)
    assert order_of("#W1").status == "pending"


def test_an_action_of_somebody_else_in_the_same_conversation_is_not_found(talk):
    action = talk.propose()
    with tenant_scope(talk.tenant.pk):
        Session.objects.update(customer=type(talk)(talk.tenant, "ben_2").customer)
    with pytest.raises(ActionNotFound):
        talk.decide(action)


def test_a_gift_card_that_was_emptied_meanwhile_pays_nothing(talk):
    action = talk.propose("modify_pending_order_items", **SWAP)
    with tenant_scope(talk.tenant.pk):
        PaymentMethod.objects.filter(code="gift_1").update(balance=Decimal("5.49"))
    decided = talk.decide(action)
    assert decided.state == ActionState.FAILED
    assert decided.outcome == "The gift card no longer has enough money. Nothing was changed."
    with tenant_scope(talk.tenant.pk):
        assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("5.49")
        assert not OrderItem.objects.filter(order__code="#W1", variant_code="L-BLUE").exists()
    assert audited(talk.tenant)[-1] == "failed"


def test_a_price_that_changed_meanwhile_is_not_charged(talk):
    action = talk.propose("modify_pending_order_items", **{**SWAP, "payment_method_id": "card_1"})
    with tenant_scope(talk.tenant.pk):
        Variant.objects.filter(code="L-BLUE").update(price=Decimal("25.51"))
    decided = talk.decide(action)
    assert decided.state == ActionState.FAILED
    assert "changed since" in decided.outcome
    with tenant_scope(talk.tenant.pk):
        assert not OrderItem.objects.filter(order__code="#W1", variant_code="L-BLUE").exists()


def test_two_changes_on_one_gift_card_are_both_made(talk):
    first = talk.propose("modify_pending_order_items", **SWAP)
    second = talk.propose("cancel_pending_order", order_id="#W4", reason="no longer needed")
    assert talk.decide(second).ok
    assert talk.decide(first).ok
    with tenant_scope(talk.tenant.pk):
        assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("24.75")


def test_a_service_that_breaks_changes_nothing_and_says_so(talk, order_of, monkeypatch, caplog):
    action = talk.propose()
    broken_after(monkeypatch, ValueError("a defect"))
    decided = talk.decide(action)
    assert (decided.state, decided.outcome) == (
        ActionState.FAILED,
        "This could not be done. Nothing was changed.",
    )
    assert order_of("#W1").status == "pending"
    assert "a defect" in caplog.text


@pytest.mark.parametrize("cut", [OperationalError("the connection is gone"), SystemExit(), KeyboardInterrupt()])
def test_a_process_that_dies_after_the_change_leaves_it_proposed(talk, order_of, monkeypatch, cut):
    action = talk.propose()
    with monkeypatch.context() as patch:
        broken_after(patch, cut)
        with pytest.raises(type(cut)):
            talk.decide(action)
    assert order_of("#W1").status == "pending"
    assert talk.again(action).state == ActionState.PROPOSED
    assert talk.decide(action).ok
    assert order_of("#W1").status == "cancelled"


def broken_after(patch, error):
    """Let whatever runs a change die when it has been made, before that is noted."""

    def dies(*args, **options):
        raise error

    patch.setattr(running, "describe", dies)


def test_a_tool_that_was_switched_off_meanwhile_does_nothing(talk, order_of, monkeypatch):
    action = talk.propose()
    monkeypatch.setattr(decisions, "find_tool", lambda *_: None)
    assert talk.decide(action).outcome == "This is no longer offered. Nothing was changed."
    assert order_of("#W1").status == "pending"
