"""One person, gone everywhere, and nobody else."""

import json
import uuid

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.models import Action, IntentExample, IntentModel, Session, ToolCall
from agents.routing.teaching import add_example
from chat.erasure import erase_customer
from chat.models import Conversation, Feedback, Message
from commerce.models import Customer
from tenants.models import AuditEvent, Membership, Role
from tenants.scope import tenant_scope
from tenants.services import add_member

pytestmark = pytest.mark.django_db


def talk(user):
    conversation = Conversation.objects.create(user=user, updated_at=timezone.now(), title="Where is it?")
    message = Message.objects.create(
        conversation=conversation, role="customer", text="Where?", created_at=timezone.now()
    )
    Feedback.objects.create(message=message, rating=2)


def test_everything_of_a_customer_goes_and_nothing_of_others(tenant, alice, bob):
    with tenant_scope(tenant.pk):
        talk(bob)
        talk(alice)
        removed = erase_customer(email="BOB@example.com", actor="command")
        assert removed == {"feedback": 1, "message": 1, "conversation": 1, "membership": 1, "user": 1}
        assert [c.user for c in Conversation.objects.all()] == [alice]
        event = AuditEvent.objects.get(action="customer.erased")
    assert "bob" not in f"{event.target}{event.detail}"
    assert not User.objects.filter(username="bob").exists()


def bought(email, **values):
    """A customer with a conversation, as a visitor, in which the agent did something for them."""
    customer = Customer.objects.create(code=email, email=email, **values)
    conversation = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now())
    kept = {"conversation": conversation.pk}
    Session.objects.create(customer=customer, **kept)
    call = ToolCall.objects.create(reply=uuid.uuid4(), position=0, name="x", arguments={"email": email}, **kept)
    Action.objects.create(
        reply=uuid.uuid4(), call=call, customer=customer, tool="x", summary="x", expires_at=timezone.now(), **kept
    )
    return conversation


def test_what_the_agent_and_the_shop_keep_goes_too(tenant):
    with tenant_scope(tenant.pk):
        bought("bob@example.com")
        others = bought("dora@example.com")
        removed = erase_customer(email="Bob@example.com ", actor="command")
        assert removed == {"action": 1, "toolcall": 1, "session": 1, "conversation": 1, "customer": 1}
        for model in (Action, ToolCall, Session):
            assert [row.conversation for row in model.objects.all()] == [others.pk]
        assert [c.email for c in Customer.objects.all()] == ["dora@example.com"]


def test_what_reviewers_taught_by_their_messages_goes_too(tenant, alice, bob):
    with tenant_scope(tenant.pk):
        talk(bob)
        IntentModel.objects.create(fingerprint="x", data=b"Where?")
        for text, source in (("Where?", "reviewer"), ("Where is it?", "reviewer"), ("Whither?", "curator")):
            add_example(intent="delivery", text=text, actor="rita", source=source)
        assert erase_customer(email="bob@example.com", actor="command")["intentexample"] == 1
        assert {example.text for example in IntentExample.objects.all()} == {"Where is it?", "Whither?"}
        assert not IntentModel.objects.exists()
        assert not any("Where?" in str(event.detail) for event in AuditEvent.objects.all())


def test_a_customer_of_the_account_goes_whatever_address_the_shop_has(tenant, bob):
    with tenant_scope(tenant.pk):
        bought("robert@example.net", user=bob)
        erase_customer(email="bob@example.com", actor="command")
        assert not Customer.objects.exists()
        assert not Conversation.objects.exists()


def test_another_tenants_shop_is_left_alone(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        bought("bob@example.com")
    with tenant_scope(tenant.pk):
        assert erase_customer(email="bob@example.com", actor="command") == {}
    with tenant_scope(other_tenant.pk):
        assert Action.objects.count() == Customer.objects.count() == 1


def test_who_works_for_the_tenant_keeps_their_account(tenant, alice):
    with tenant_scope(tenant.pk):
        talk(alice)
        erase_customer(email="alice@example.com", actor="command")
        assert not Conversation.objects.exists()
        assert Membership.objects.filter(user=alice, role=Role.OWNER).exists()


def test_another_tenants_customer_is_left_alone(tenant, other_tenant, bob):
    with tenant_scope(other_tenant.pk):
        add_member(user=bob, role=Role.CUSTOMER)
        talk(bob)
    with tenant_scope(tenant.pk):
        erase_customer(email="bob@example.com", actor="command")
    with tenant_scope(other_tenant.pk):
        assert Conversation.objects.filter(user=bob).exists()


def test_an_account_that_another_tenant_talks_with_is_kept(tenant, other_tenant, bob):
    with tenant_scope(other_tenant.pk):
        talk(bob)
    with tenant_scope(tenant.pk):
        assert erase_customer(email="bob@example.com", actor="command") == {"membership": 1}
    assert User.objects.filter(username="bob").exists()


def test_the_command_prints_what_was_removed(tenant, bob, capsys):
    call_command("erase_customer", "acme", "bob@example.com", "--json")
    assert {"removed": "membership", "count": 1} in [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_nobody_by_that_address(tenant):
    with pytest.raises(CommandError, match="knows nobody"):
        call_command("erase_customer", "acme", "nobody@example.com")
