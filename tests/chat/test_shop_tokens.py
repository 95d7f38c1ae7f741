"""A shop's own site says who its customer is, for the conversations of one visit."""

import time
import uuid

import pytest
from django.test import Client

from agents.identity.tokens import make_token
from agents.models import Session
from chat.shop_tokens import COOKIE
from commerce.models import Customer
from tenants.scope import in_tenant, in_thread, tenant_scope
from tenants.services import create_api_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token(tenant):
    """Makes a token of Sofia's, as the shop does."""
    with tenant_scope(tenant.pk):
        Customer.objects.create(code="sofia", email="sofia@marsh.example")
        key = create_api_key(name="shop", actor="test")[1]
    return lambda seconds=600: make_token("sofia", key=key, expires_at=int(time.time()) + seconds)


def test_the_token_leaves_the_address_for_a_cookie(tenant, token):
    client, shown = Client(), token()
    response = client.get("/acme/", {"customer": shown, "order": "ORD-1002"})
    assert (response.status_code, response.headers["Location"]) == (302, "/acme/?order=ORD-1002")
    cookie = response.cookies[COOKIE + "acme"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (shown, True, "Lax", "")
    assert client.get("/acme/", {"customer": shown}).headers["Location"] == "/acme/"


@pytest.mark.parametrize("bad", ["nonsense", "a.b", "\0", "x" * 5000])
def test_a_link_that_does_not_hold_says_so(tenant, token, bad):
    response = Client().get("/acme/", {"customer": bad})
    assert response.status_code == 200
    assert "not valid any more" in response.content.decode()
    assert COOKIE + "acme" not in response.cookies


def test_an_expired_link_and_one_of_another_tenant_do_not_hold(tenant, token, other_tenant):
    assert Client().get("/acme/", {"customer": token(-1)}).status_code == 200
    assert Client().get("/globex/", {"customer": token()}).status_code == 200


async def bound_to(tenant, conversation):
    session = await in_tenant(tenant.pk, lambda: Session.objects.filter(conversation=conversation).first())
    return session and session.proof


async def test_a_conversation_that_begins_belongs_to_the_tokens_customer(tenant, token, new_customer):
    someone = await new_customer(headers=[(b"cookie", f"{COOKIE}acme={token()}".encode())])
    await someone.say("Where is my order?")
    assert await bound_to(tenant, someone.conversation) == "token"


async def test_without_a_token_or_with_a_bad_one_it_belongs_to_nobody(tenant, token, new_customer):
    for cookie in (b"other=1", f"{COOKIE}acme=forged.{'0' * 64}".encode(), f"{COOKIE}globex={token()}".encode()):
        someone = await new_customer(headers=[(b"cookie", cookie)])
        assert (await someone.say("Where is my order?"))[-1]["type"] == "message.done"
        assert await bound_to(tenant, someone.conversation) is None


async def test_who_is_signed_in_as_somebody_else_stays_who_they_are(tenant, token, new_customer, bob):
    def of_bob():
        with tenant_scope(tenant.pk):
            Customer.objects.create(code="bob", user=bob)

    await in_thread(of_bob)
    someone = await new_customer(user=bob, headers=[(b"cookie", f"{COOKIE}acme={token()}".encode())])
    assert (await someone.say("Where is my order?"))[-1]["type"] == "message.done"
    assert await bound_to(tenant, someone.conversation) in (None, "")


async def test_a_conversation_from_before_is_left_as_it_was(tenant, token, new_customer):
    someone = await new_customer()
    await someone.say("Hello")
    again = await new_customer(visitor=someone.visitor, headers=[(b"cookie", f"{COOKIE}acme={token()}".encode())])
    await again.say("Where is my order?", conversation=someone.conversation)
    assert await bound_to(tenant, uuid.UUID(someone.conversation)) is None
