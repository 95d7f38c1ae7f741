import asyncio
import uuid

import pytest

from chat import consumers
from chat import hub as hub_module
from chat.hub import Hub
from chat.models import Conversation, Feedback, Message
from tenants.access import VISITOR_COOKIE, read_visitor, sign_visitor
from tenants.models import RateTier, Tenant
from tenants.scope import in_thread, tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_question_is_accepted_run_and_answered_in_order(customer, verify):
    turn = await customer.say("How long does the battery last?")
    kinds = [f["type"] for f in turn]
    assert kinds[:2] == ["message.accepted", "run.started"]
    assert kinds[-1] == "message.done"
    assert [f["seq"] for f in turn] == list(range(1, len(turn) + 1))
    assert turn[-1]["text"] == "Up to 12 hours. That is enough."
    verify(customer.frames)


# Who comes in


async def test_a_visitor_is_known_again_by_the_token(customer, new_customer):
    await customer.say()
    again = await new_customer(visitor=customer.visitor)
    assert read_visitor(again.visitor) == read_visitor(customer.visitor)
    await again.resume(0, customer.conversation)
    assert (await again.next())["type"] == "message.accepted"


async def test_a_visitor_is_known_by_the_cookie(hub, new_customer):
    visitor = uuid.uuid4()
    cookie = f"other=1; {VISITOR_COOKIE}={sign_visitor(visitor)}".encode()
    someone = await new_customer(headers=[(b"cookie", cookie)])
    assert read_visitor(someone.visitor) == visitor


@pytest.mark.parametrize("token", ["forged", "a:b:c", "IjAi:1abc:sig"])
async def test_a_forged_visitor_is_a_new_one(new_customer, token):
    someone = await new_customer(visitor=token, headers=[(b"cookie", f"{VISITOR_COOKIE}={token}".encode())])
    assert someone.first["type"] == "session.ready"
    assert read_visitor(someone.first["visitor"]) is not None


async def test_a_signed_in_user_has_conversations_of_their_own(hub, bob, new_customer, tenant):
    someone = await new_customer(user=bob)
    assert someone.first["who"] == {"kind": "user", "name": "bob"}
    assert someone.first["visitor"] is None
    await someone.say()
    visitor = await new_customer()
    await visitor.resume(0, someone.conversation)
    assert (await visitor.next())["code"] == "not_found"


async def test_the_subprotocol_is_confirmed(customer):
    assert customer.accepted == {"type": "websocket.accept", "subprotocol": "askwell.v1"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"protocols": []}, 4406),
        ({"protocols": ["graphql-ws"]}, 4406),
        ({"slug": "nobody"}, 4404),
        ({"headers": [(b"host", b"shop.example"), (b"origin", b"https://evil.example")]}, 4403),
        ({"headers": [(b"host", b"shop.example"), (b"origin", b"null")]}, 4403),
        ({"headers": [(b"host", b"shop.example"), (b"origin", b"https://shop.example:8443")]}, 4403),
    ],
)
async def test_who_must_not_come_in_is_told_by_a_code(new_customer, changes, code):
    someone = await new_customer(**changes)
    assert someone.closed == code


async def test_one_may_come_from_this_host_and_from_trusted_ones(new_customer, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://help.example", "https://*.shop.example"]
    for origin in (b"https://askwell.example", b"https://help.example", b"https://eu.shop.example"):
        someone = await new_customer(headers=[(b"host", b"askwell.example"), (b"origin", origin)])
        assert someone.first["type"] == "session.ready"
    someone = await new_customer(headers=[(b"host", b"askwell.example"), (b"origin", b"http://help.example")])
    assert someone.closed == 4403


async def test_a_person_has_a_limited_number_of_sockets(customer, new_customer, monkeypatch):
    monkeypatch.setattr(consumers, "SOCKETS_PER_PERSON", 2)
    second = await new_customer(visitor=customer.visitor)
    third = await new_customer(visitor=customer.visitor)
    assert third.closed == 4430
    await second.cut()
    fourth = await new_customer(visitor=customer.visitor)
    assert fourth.first["type"] == "session.ready"


# What comes in


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"type": "x"}', '{"type": "message.send"}'])
async def test_a_bad_frame_gets_an_error_and_the_socket_stays(customer, text):
    await customer.send_text(text)
    assert (await customer.next())["type"] == "error"
    await customer.send(type="ping")
    assert (await customer.next())["type"] == "pong"


async def test_a_binary_frame_gets_an_error(customer):
    await customer.line.inbound.put({"type": "websocket.receive", "bytes": b"\x00"})
    assert (await customer.next())["code"] == "malformed"


@pytest.mark.parametrize("text", ["x" * 1_000_000, "é" * 40_000])
async def test_a_frame_that_is_too_large_closes_the_socket(customer, text):
    await customer.send(type="message.send", client_id="c", text=text)
    await customer.next()
    assert customer.closed == 4413


async def test_a_message_that_is_too_long_gets_an_error(customer):
    await customer.send(type="message.send", client_id="c", text="x" * 8001)
    assert (await customer.next())["code"] == "too_long"


async def test_too_many_frames_close_the_socket(customer):
    for _ in range(1000):
        await customer.send(type="ping")
    await customer.until("socket.closed")
    assert customer.closed == 4429
    assert len(customer.frames) < 200


async def test_a_socket_that_does_not_read_is_closed(customer, monkeypatch, script):
    monkeypatch.setattr(consumers, "OUTBOX_BYTES", 10_000)
    script.text = "x" * 11_000
    customer.line.reads.clear()
    await customer.ask()
    await customer.next()
    assert customer.closed == 4408


async def limited(tenant, **limits):
    """Gives the tenant a tier of its own, or edits it; open sockets notice."""

    def edit():
        tier, _ = RateTier.objects.update_or_create(slug="small", defaults={"name": "Small", **limits})
        Tenant.objects.filter(pk=tenant.pk).update(tier=tier)

    await in_thread(edit)


async def test_messages_are_limited_and_the_wait_is_told(customer, tenant):
    await limited(tenant, turns_per_hour=1)
    first = (await customer.say())[-1]
    await customer.ask(client_id="mine")
    error = await customer.next()
    assert (error["code"], error["client_id"]) == ("rate_limited", "mine")
    assert 0 < error["retry_after"] <= 3600
    assert f"{-(-error['retry_after'] // 60)} minute" in error["detail"]
    await customer.send(type="message.retry", message=first["message"])
    assert (await customer.next())["code"] == "rate_limited"
    await limited(tenant, turns_per_hour=2)
    assert (await customer.say(client_id="mine"))[-1]["type"] == "message.done"


async def test_who_has_missed_too_much_of_a_long_conversation_loads_the_page(customer, monkeypatch):
    await customer.say()
    monkeypatch.setattr(hub_module, "MOST_BEHIND", 2)
    await customer.resume(0)
    assert (await customer.next())["code"] == "behind"
    await customer.resume(customer.last)
    assert (await customer.say())[-1]["type"] == "message.done"


async def test_an_address_is_limited_whoever_asks(hub, new_customer, tenant):
    await limited(tenant, address_turns_per_hour=2)
    from_afar = {"headers": [(b"x-forwarded-for", b"6.6.6.6, 8.8.8.8")]}
    one, two = await new_customer(**from_afar), await new_customer(**from_afar)
    other = await new_customer(headers=[(b"x-forwarded-for", b"8.8.4.4")])
    ends = [(await someone.say())[-1] for someone in (one, two, two, one, other)]
    assert [end.get("code", "taken") for end in ends] == ["taken", "taken", "rate_limited", "rate_limited", "taken"]
    here = await new_customer()
    assert [(await here.say())[-1]["type"] for _ in range(4)] == ["message.done"] * 4


async def test_null_bytes_are_removed(customer, tenant):
    await customer.say("Is it\0 safe?")
    with_scope = Message.objects
    assert await _in(tenant, lambda: with_scope.get(role="customer").text) == "Is it safe?"


async def test_an_error_of_ours_does_not_cost_the_socket(customer, monkeypatch, caplog):
    monkeypatch.setattr(Hub, "post", None)
    await customer.ask()
    assert (await customer.next())["code"] == "internal"
    assert "A frame of type SendMessage broke" in caplog.text
    await customer.send(type="ping")
    assert (await customer.next())["type"] == "pong"


# Feedback


async def test_feedback_is_kept_and_changed(customer, tenant):
    reply = (await customer.say())[-1]["message"]
    await customer.send(type="feedback.give", message=reply, rating=2, thumb=None, comment="too short")
    assert await customer.next() == {"type": "feedback.saved", "message": reply}
    await customer.send(type="feedback.give", message=reply, rating=5, thumb="up")
    await customer.next()
    feedback = await _in(tenant, Feedback.objects.get)
    assert (str(feedback.message_id), feedback.rating, feedback.thumb) == (reply, 5, "up")
    assert feedback.comment == "too short"


async def test_feedback_on_what_is_not_ones_own_reply_is_not_found(customer, new_customer, random_id):
    turn = await customer.say()
    other = await new_customer()
    question, reply = turn[0]["message"], turn[-1]["message"]
    for someone, message in ((other, reply), (customer, question), (customer, random_id())):
        await someone.send(type="feedback.give", message=message, rating=1)
        assert (await someone.next())["code"] == "not_found"


# Other people's conversations


async def test_nothing_of_another_person_or_tenant_is_found(customer, new_customer, other_tenant, tenant):
    turn = await customer.say()
    conversation, reply = customer.conversation, turn[-1]["message"]
    neighbour = await new_customer()
    abroad = await new_customer(slug="globex", visitor=customer.visitor)
    for someone in (neighbour, abroad):
        for frame in (
            {"type": "message.send", "client_id": "x", "conversation": conversation, "text": "Hi"},
            {"type": "conversation.resume", "conversation": conversation, "after": 0},
            {"type": "run.stop", "message": reply},
            {"type": "message.retry", "message": reply},
            {"type": "feedback.give", "message": reply, "rating": 1},
        ):
            await someone.send(**frame)
            answer = await someone.next()
            assert (answer["type"], answer["code"]) == ("error", "not_found"), frame
    assert await _in(tenant, Message.objects.count) == 2
    assert await _in(other_tenant, Conversation.objects.count) == 0


async def _in(tenant, function):
    from tenants.scope import in_thread

    def scoped():
        with tenant_scope(tenant.pk):
            return function()

    return await in_thread(scoped)


async def test_work_that_takes_long_is_announced_and_done_all_the_same(customer, monkeypatch):
    monkeypatch.setattr(consumers, "PATIENCE_SECONDS", 0.05)
    post = Hub.post

    async def slowly(self, *args):
        await asyncio.sleep(0.3)
        return await post(self, *args)

    monkeypatch.setattr(Hub, "post", slowly)
    await customer.send(type="message.send", client_id="late", conversation=None, text="Where is it?")
    error = await customer.next()
    assert (error["type"], error["code"], error["client_id"]) == ("error", "unavailable", "late")
    turn = await customer.until("message.done")
    assert turn[0]["type"] == "message.accepted"
