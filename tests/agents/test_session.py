"""Whom a conversation is with: once bound, always bound."""

import uuid
from dataclasses import replace

import pytest

from agents.context import Turn
from agents.models import Session
from agents.session import NotThisCustomer, bind, lock_session, open_context, refresh
from commerce.exchange import import_shop
from commerce.models import Customer
from tenants.models import AuditEvent, Role
from tests.commerce.little_shop import little_shop
from tests.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(scope):
    import_shop(little_shop(), actor="test")
    return Customer.objects.get(code="ann_1")


@pytest.fixture
def ben(ann):
    return Customer.objects.get(code="ben_2")


@pytest.fixture
def turn(tenant, ann):
    return Turn(tenant.pk, "Acme", "en", str(uuid.uuid4()), "Where is my order?", reply=str(uuid.uuid4()))


@pytest.fixture
def annie(tenant, ann):
    """Ann's account."""
    user = person(tenant, "annie", Role.CUSTOMER)
    Customer.objects.filter(pk=ann.pk).update(user=user)
    return user


def test_a_visitors_conversation_is_with_nobody_yet(turn):
    context = open_context(turn, ("Hello",))
    assert context.customer is None
    assert (str(context.conversation), str(context.reply)) == (turn.conversation, turn.reply)
    assert context.typed == ("Hello",)


def test_a_signed_in_customers_conversation_is_theirs_at_once(turn, ann, annie):
    context = open_context(replace(turn, user=annie.pk, actor="annie"), ())
    assert context.customer == ann
    session = Session.objects.get(conversation=turn.conversation)
    assert (session.customer, session.proof) == (ann, "sign-in")
    assert open_context(replace(turn, user=annie.pk), ()).customer == ann
    assert AuditEvent.objects.filter(action="identity.proved").count() == 1


def test_a_member_with_a_customers_address_is_that_customer(turn, ann, tenant):
    user = person(tenant, "somebody", Role.CUSTOMER)
    user.email = "ANN.archer@example.com"
    user.save()
    assert open_context(replace(turn, user=user.pk), ()).customer == ann


def test_somebody_with_a_customers_address_who_is_no_member_is_nobody(turn, charlie):
    charlie.email = "ann.archer@example.com"
    charlie.save()
    assert open_context(replace(turn, user=charlie.pk), ()).customer is None


def test_a_bound_conversation_stays_bound(turn, ann, ben):
    open_context(turn, ())
    session = lock_session(uuid.UUID(turn.conversation))
    bind(session, ann, "email", actor="visitor")
    bind(session, ann, "name_zip", actor="visitor")
    with pytest.raises(NotThisCustomer):
        bind(lock_session(uuid.UUID(turn.conversation)), ben, "email", actor="visitor")
    assert open_context(turn, ()).customer == ann
    assert Session.objects.get().proof == "email"


def test_a_user_who_signs_in_to_somebody_elses_conversation_sees_nothing_of_theirs(turn, annie, ben):
    bind(lock_session(uuid.UUID(turn.conversation)), ben, "email", actor="visitor")
    context = open_context(replace(turn, user=annie.pk), ())
    assert context.customer is None
    assert refresh(context).customer is None
    assert Session.objects.get().customer == ben


def test_a_signed_in_user_is_bound_to_nobody_else(turn, annie, ben):
    with pytest.raises(NotThisCustomer):
        bind(lock_session(uuid.UUID(turn.conversation)), ben, "email", actor="annie", user=annie.pk)
    assert Session.objects.get().customer is None


def test_a_proof_counts_for_the_rest_of_the_turn(turn, ann):
    context = open_context(turn, ())
    bind(lock_session(context.conversation), ann, "email", actor="visitor")
    assert context.customer is None
    assert refresh(context).customer == ann
