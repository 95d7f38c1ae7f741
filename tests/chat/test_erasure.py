"""One person, gone everywhere, and nobody else."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat.erasure import erase_customer
from chat.models import Conversation, Feedback, Message
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
