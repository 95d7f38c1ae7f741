"""Who is asking: what proves it, what does not, and how often it may be tried."""

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from agents.identity import bind_by_token, prove_by_email, prove_by_name_zip, prove_by_order, read_token
from agents.identity.tokens import make_token
from agents.identity.typed import stands_email, stands_name, stands_order, stands_postcode, typed_codes
from agents.models import AgentPolicy, Session
from agents.session import NOT_FOUND, refresh
from agents.tools.base import ToolContext, ToolError
from commerce.exchange import import_shop
from commerce.models import Customer
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tenants.services import create_api_key, revoke_api_key
from tests.commerce.little_shop import little_shop
from tests.conftest import person

EMAIL = "ann.archer@example.com"

# What was typed, and whether "me@x.com" stands in it.
EMAILS = [
    ("me@x.com", True),
    ("ME@X.COM", True),
    ("My e-mail is me@x.com.", True),
    ("It's me@x.com, thanks!", True),
    ("<me@x.com>", True),
    ("(me@x.com)", True),
    ("'me@x.com'", True),
    ("“me@x.com”", True),
    ("**me@x.com**", True),
    ("email:me@x.com", True),
    ("mailto:me@x.com?", True),
    ("me@x.com;you@y.com", True),
    ("me (at) x (dot) com", True),
    ("me[at]x.com", True),
    ("line one\nme@x.com\nline three", True),
    ("notme@x.com", False),
    ("not.me@x.com", False),
    ("not-me@x.com", False),
    ("not_me@x.com", False),
    ("not+me@x.com", False),
    ("_me@x.com", False),
    ("'me@x.com", False),
    ("!me@x.com", False),
    ("é.me@x.com", False),
    ("éme@x.com", False),
    ("me@x.com.evil.org", False),
    ("me@x.com.", True),
    ("me@x.community", False),
    ("me@x.co", False),
    ("me@x.com-evil.org", False),
    ("me@x.com_evil", False),
    ("me@x.com@evil.org", False),
    ("evil@me@x.com", False),
    ("me@x.com/evil", False),
    ("evil.org/me@x.com", False),
    ("me@x.com\u200b.evil.org", False),
    ("a\u200bme@x.com", False),
    ("me+tag@x.com", False),
    ("me@mail.x.com", False),
    ("m e@x.com", False),
    ("me@ x.com", False),
    ("me at x dot com", False),
    ("x.com me", False),
    ("me\u0301@x.com", False),
    ("mé@x.com", False),
    ("m\u0435@x.com", False),  # a Cyrillic letter
    ("", False),
]


@pytest.mark.unit
@pytest.mark.parametrize(("typed", "stands"), EMAILS)
def test_an_address_stands_as_a_whole_or_not_at_all(typed, stands):
    assert stands_email("me@x.com", ["Hello", typed]) is stands


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "typed", "stands"),
    [
        ("Mei", "I'm mei", True),
        ("Mei", "Mei.", True),
        ("José", "jose here", True),
        ("Jose", "I am José.", True),
        ("José", "Jose\u0301", True),
        ("O'Brien", "Pat O’Brien", True),
        ("Mary Ann", "mary ann smith", True),
        ("Mary-Ann", "Mary Ann Smith", True),
        ("Mary-Ann", "Mary‑Ann", True),
        ("Lee", "This is Lee's order", True),
        ("Lee", "I'm Lee.My postcode is 12345", True),
        ("Lee", "Lee-Ann", False),
        ("Lee", "Leeds", False),
        ("Lee", "asleep, Klee", False),
        ("Lee", "lee@x.com", False),
        ("Lee", "lee_ann", True),
        ("Lee", "lee99", False),
        ("Mary Ann", "Mary Smith", False),
        ("", "anything", False),
        ("?", "?", False),
        ("'", "'", False),
    ],
)
def test_each_part_of_a_name_stands_as_a_word(name, typed, stands):
    assert stands_name(name, [typed]) is stands


@pytest.mark.unit
@pytest.mark.parametrize(
    ("postcode", "typed", "stands"),
    [
        ("62701", "My zip is 62701.", True),
        ("62701", "zip:62701", True),
        ("SW1A 1AA", "sw1a1aa", True),
        ("sw1a1aa", "SW1A 1AA, London", True),
        ("123 45", "12345", True),
        ("62701", "627011", False),
        ("62701", "162701", False),
        ("62701", "62701-1234", False),
        ("62701", "ORD-62701", False),
        ("62701", "#62701", False),
        ("62701", "$62701", False),
        ("62701", "62701@x.com", False),
        ("62701", "62701.50", False),
        ("62701", "6 2 7 0 1", False),
        ("", "62701", False),
    ],
)
def test_a_postcode_stands_as_a_word_or_two(postcode, typed, stands):
    assert stands_postcode(postcode, [typed]) is stands


@pytest.mark.unit
@pytest.mark.parametrize(
    ("order", "typed", "stands"),
    [
        ("#W2378156", "Where is #W2378156?", True),
        ("#W2378156", "order w2378156", True),
        ("#W2378156", "2378156", True),
        ("ORD-1002", "ord 1002", True),
        ("ORD-1002", "ORD1002!", True),
        ("ORD-1002", "1002", True),
        ("ORD-1002", "ORD-10021", False),
        ("ORD-1002", "11002", False),
        ("ORD-1002", "ORD-1003", False),
        ("#W1", "1", False),
        ("#W1", "#W11", False),
        ("", "anything", False),
    ],
)
def test_an_orders_number_stands_however_it_is_written(order, typed, stands):
    assert stands_order(order, [typed]) is stands


@pytest.mark.unit
def test_a_message_of_any_size_is_looked_at_in_no_time():
    begun = time.perf_counter()
    for text in ("a@" * 10_000, "(at" * 8000, "1 " * 20_000, "'" * 20_000, " at " * 6000, "[ dot" * 4000):
        stands_email("me@x.com", [text])
        stands_name("Mei", [text])
        stands_postcode("62701", [text])
        stands_order("ORD-1002", [text])
        typed_codes([text], messages=3, at_most=3)
    assert time.perf_counter() - begun < 5


@pytest.fixture
def ann(scope):
    import_shop(little_shop(), actor="test")
    return Customer.objects.get(code="ann_1")


@pytest.fixture
def ben(ann):
    return Customer.objects.get(code="ben_2")


@pytest.fixture
def context(tenant, ann):
    """A visitor's conversation in which Ann wrote who she is."""
    return ToolContext(
        tenant_id=tenant.pk,
        tenant_name="Acme",
        language="en",
        conversation=uuid.uuid4(),
        reply=uuid.uuid4(),
        actor="visitor",
        typed=(f"Hello, I am Ann Archer, {EMAIL}.", "My postcode is 62701, and the order is #W2"),
    )


def policy(**values):
    AgentPolicy.objects.update_or_create(defaults=values)


def refused(prove, *arguments, **named):
    """The code of the refusal, and what is said."""
    with pytest.raises(ToolError) as error:
        prove(*arguments, **named)
    return error.value.code, str(error.value)


def session_of(context):
    return Session.objects.get(conversation=context.conversation)


def audited():
    return list(
        AuditEvent.objects.filter(action__startswith="identity.").order_by("pk").values_list("action", "detail")
    )


@pytest.mark.django_db
class TestMatch:
    def test_an_address_that_was_typed_binds_the_conversation(self, context, ann):
        assert prove_by_email(context, "Ann.Archer@EXAMPLE.com") == ann
        session = session_of(context)
        assert (session.customer, session.proof) == (ann, "email")
        assert refresh(context).customer == ann
        assert audited() == [("identity.proved", {"customer": "ann_1", "proof": "email"})]

    def test_name_and_postcode_that_were_typed_bind_it(self, context, ann):
        assert prove_by_name_zip(context, "ann", "ARCHER", " 62701 ") == ann
        assert session_of(context).proof == "name_zip"

    @pytest.mark.parametrize(
        "typed",
        [(), ("Who am I?",), ("ben.baker@example.com",), (f"x{EMAIL}",), (f"{EMAIL}.evil.org",)],
    )
    def test_an_address_from_elsewhere_proves_nothing_and_is_not_counted(self, context, typed):
        code, words = refused(prove_by_email, replace(context, typed=typed), EMAIL)
        assert code == "not_typed"
        assert "Ask the customer to write it" in words
        assert session_of(context).customer is None
        assert session_of(context).attempts == 0
        assert audited() == [("identity.refused", {"reason": "not_typed"})]

    @pytest.mark.parametrize("missing", ["Ann", "Archer", "62701"])
    def test_each_of_name_and_postcode_must_be_typed(self, context, missing):
        typed = tuple(re.sub(rf"{missing}|{EMAIL}", "…", text) for text in context.typed)
        assert refused(prove_by_name_zip, replace(context, typed=typed), "Ann", "Archer", "62701")[0] == "not_typed"

    def test_nobody_and_somebody_else_are_told_the_same(self, context, ben):
        typed = ("nobody@example.com", "Ann Archer, 99999, Zed Zulu 62701")
        typing = replace(context, typed=typed)
        answers = {
            refused(prove_by_email, typing, "nobody@example.com"),
            refused(prove_by_name_zip, typing, "Ann", "Archer", "99999"),
            refused(prove_by_name_zip, typing, "Zed", "Zulu", "62701"),
        }
        assert answers == {("not_found", NOT_FOUND)}

    def test_a_bound_conversation_knows_nobody_else(self, context, ann, ben):
        prove_by_email(context, EMAIL)
        typing = replace(context, typed=(*context.typed, ben.email, "Ben Baker 62701"))
        assert refused(prove_by_email, typing, ben.email) == ("not_found", NOT_FOUND)
        assert refused(prove_by_name_zip, typing, "Ben", "Baker", "62701") == ("not_found", NOT_FOUND)
        assert refused(prove_by_email, typing, "nobody@example.com") == ("not_found", NOT_FOUND)
        assert session_of(context).customer == ann
        assert prove_by_email(replace(context, typed=()), EMAIL) == ann, "that is known already"

    def test_attempts_are_counted_and_limited(self, context, ben):
        policy(attempts=2)
        typing = replace(context, typed=(*context.typed, "a@example.com b@example.com"))
        for email in ("a@example.com", "b@example.com"):
            assert refused(prove_by_email, typing, email)[0] == "not_found"
        code, words = refused(prove_by_email, typing, EMAIL)
        assert code == "too_many"
        assert "hand over to a person" in words
        assert session_of(context).customer is None
        assert [detail for _, detail in audited()] == [
            {"reason": "not_found", "email": "a@example.com"},
            {"reason": "not_found", "email": "b@example.com"},
            {"reason": "too_many"},
        ]

    def test_the_audit_keeps_no_name_and_no_postcode(self, context):
        typing = replace(context, typed=("Zed Zulu 99999",))
        refused(prove_by_name_zip, typing, "Zed", "Zulu", "99999")
        assert audited() == [("identity.refused", {"reason": "not_found"})]

    def test_two_customers_with_one_address_are_told_apart_by_name_alone(self, context, ann):
        Customer.objects.create(code="anna", first_name="Anna", last_name="Archer", email=EMAIL.upper(), zip="62701")
        assert refused(prove_by_email, context, EMAIL) == ("not_found", NOT_FOUND)
        assert prove_by_name_zip(context, "Ann", "Archer", "62701") == ann

    def test_two_customers_with_one_name_and_postcode_are_nobody(self, context, ann):
        Customer.objects.create(code="ann_3", first_name="Ann", last_name="Archer", email="a@x.com", zip="62701")
        assert refused(prove_by_name_zip, context, "Ann", "Archer", "62701") == ("not_found", NOT_FOUND)

    def test_an_order_tells_two_of_one_name_apart(self, context, ann):
        Customer.objects.create(code="ann_3", first_name="Ann", last_name="Archer", email="a@x.com", zip="62701")
        assert prove_by_order(context, "#W2", first_name="Ann", last_name="Archer", zip="62701") == ann

    def test_an_order_proves_with_its_own_customers_address_alone(self, context, ann, ben):
        typing = replace(context, typed=(*context.typed, "#W9 " + ben.email))
        assert refused(prove_by_order, typing, "#W9", email=EMAIL) == ("not_found", NOT_FOUND)
        assert refused(prove_by_order, typing, "#W8", email=EMAIL)[0] == "not_typed"
        assert prove_by_order(typing, "w2", email=EMAIL) == ann

    def test_without_enough_nothing_is_tried(self, context):
        assert refused(prove_by_order, context, "#W2")[0] == "invalid"
        assert refused(prove_by_name_zip, context, "Ann", "", "62701")[0] == "invalid"
        assert refused(prove_by_email, context, "  \0 ")[0] == "invalid"
        assert refused(prove_by_email, context, "a" * 10_000 + "@x.com")[0] == "not_found"

    def test_where_the_policy_wants_an_order_name_and_postcode_need_one_that_is_theirs(self, context, ann):
        policy(order_needed=True)
        without = replace(context, typed=("Ann Archer 62701",))
        other = replace(context, typed=("Ann Archer 62701 #W9",))
        nobody = replace(context, typed=("Zed Zulu 62701 #W2",))
        answers = {
            refused(prove_by_name_zip, without, "Ann", "Archer", "62701"),
            refused(prove_by_name_zip, other, "Ann", "Archer", "62701"),
            refused(prove_by_name_zip, nobody, "Zed", "Zulu", "62701"),
        }
        assert {code for code, _ in answers} == {"order_needed"}
        assert len(answers) == 1
        assert prove_by_name_zip(context, "Ann", "Archer", "62701") == ann
        assert session_of(context).attempts == 3


@pytest.mark.django_db
def test_another_tenants_customers_are_nobody(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        import_shop(little_shop(), actor="test")
        Customer.objects.filter(code="ann_1").update(email="theirs@example.com")
    context = ToolContext(tenant.pk, "Acme", "en", uuid.uuid4(), uuid.uuid4(), "visitor", typed=("theirs@example.com",))
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
        assert refused(prove_by_email, context, "theirs@example.com") == ("not_found", NOT_FOUND)


@pytest.mark.django_db(transaction=True)
def test_attempts_are_limited_when_they_are_made_at_once(tenant):
    emails = [f"guess{number}@example.com" for number in range(12)]
    conversation = uuid.uuid4()

    def attempt(email):
        context = ToolContext(tenant.pk, "Acme", "en", conversation, uuid.uuid4(), "visitor", typed=tuple(emails))
        try:
            with tenant_scope(tenant.pk):
                return refused(prove_by_email, context, email)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(emails)) as threads:
        answers = list(threads.map(attempt, emails))
    assert sorted(answers) == ["not_found"] * 5 + ["too_many"] * 7


@pytest.mark.django_db
@pytest.mark.parametrize(("verification", "code"), [("none", "sign_in"), ("token", "token")])
def test_a_policy_that_takes_no_such_proof_takes_none(context, verification, code):
    policy(verification=verification)
    assert refused(prove_by_email, context, EMAIL)[0] == code
    assert refused(prove_by_name_zip, context, "Ann", "Archer", "62701")[0] == code
    assert session_of(context).customer is None


@pytest.mark.django_db
class TestSignedIn:
    def test_a_signed_in_customer_is_nobody_else(self, tenant, context, ann, ben):
        user = person(tenant, "annie", Role.CUSTOMER)
        Customer.objects.filter(pk=ann.pk).update(user=user)
        typing = replace(context, user=user.pk, typed=(*context.typed, ben.email))
        assert refused(prove_by_email, typing, ben.email) == ("not_found", NOT_FOUND)
        assert prove_by_email(typing, EMAIL) == ann

    def test_a_signed_in_user_who_is_no_customer_becomes_none(self, tenant, context):
        user = person(tenant, "annie", Role.CUSTOMER)
        assert refused(prove_by_email, replace(context, user=user.pk), EMAIL) == ("not_found", NOT_FOUND)
        assert session_of(context).customer is None


@pytest.fixture
def by_code(context, django_capture_on_commit_callbacks):
    """Proves by e-mail where the policy wants a code; returns the code of the refusal or the customer."""
    policy(verification="code", attempts=3)

    def prove(*further, email=EMAIL, conversation=None):
        typing = replace(
            context,
            typed=(*context.typed, email, *further),
            conversation=conversation or context.conversation,
        )
        with django_capture_on_commit_callbacks(execute=True):
            try:
                return prove_by_email(typing, email)
            except ToolError as error:
                return error.code

    return prove


def sent_code():
    return re.search(r"\d{6}", mail.outbox[-1].body)[0]


@pytest.mark.django_db
class TestCode:
    def test_a_code_that_is_typed_proves_it_once(self, by_code, context, ann):
        assert by_code() == "code_sent"
        assert mail.outbox[0].to == [ann.email]
        code = sent_code()
        assert code not in json.dumps(list(Session.objects.values("code_digest")))
        assert by_code(f"It is {code[:3]} {code[3:]}.") == ann
        session = session_of(context)
        assert (session.proof, session.code_digest) == ("code", "")

    def test_a_code_is_sent_once_until_it_expires(self, by_code, context):
        for _ in range(5):
            assert by_code() == "code_sent"
        assert len(mail.outbox) == 1
        assert session_of(context).attempts == 0

    def test_a_wrong_code_counts(self, by_code, context):
        by_code()
        wrong = f"{(int(sent_code()) + 1) % 10**6:06}"
        assert by_code(wrong) == "wrong_code"
        assert by_code(wrong) == "wrong_code"
        assert by_code(wrong) == "wrong_code"
        assert by_code(sent_code()) == "too_many"
        assert session_of(context).customer is None

    def test_a_message_full_of_codes_is_no_way_to_guess(self, by_code, context, ann):
        by_code()
        flood = " ".join(f"{number:06}" for number in range(1000) if f"{number:06}" != sent_code())
        assert by_code(f"{flood} {sent_code()}") == "wrong_code"

    def test_an_expired_code_proves_nothing(self, by_code, context):
        by_code()
        code = sent_code()
        Session.objects.update(code_expires_at=timezone.now() - timedelta(seconds=1))
        assert by_code(code) == "code_sent"
        assert len(mail.outbox) == 2
        assert by_code(code, sent_code()) != "code_sent"

    def test_a_code_of_another_conversation_proves_nothing(self, by_code, context):
        by_code()
        first = sent_code()
        other = uuid.uuid4()
        by_code(conversation=other)
        if first != sent_code():
            assert by_code(first, conversation=other) == "wrong_code"

    def test_nobody_gets_a_code_and_is_told_the_same(self, by_code, context):
        assert by_code(email="nobody@example.com") == "code_sent"
        assert mail.outbox == []
        assert by_code("123456", email="nobody@example.com") == "wrong_code"

    def test_a_code_for_one_address_proves_no_other(self, by_code, context, ben):
        assert by_code() == "code_sent"
        code = sent_code()
        assert by_code(code, email=ben.email) == "code_sent"
        assert mail.outbox[-1].to == [ben.email]
        if code != sent_code():
            assert by_code(code, email=ben.email) == "wrong_code"

    def test_asking_for_code_after_code_is_limited(self, by_code, context, ben):
        answers = [by_code(email=email) for email in (EMAIL, ben.email) * 3]
        assert answers == ["code_sent"] * 4 + ["too_many"] * 2

    def test_nobodys_mailbox_is_flooded_from_many_conversations(self, by_code):
        assert {by_code(conversation=uuid.uuid4()) for _ in range(6)} == {"code_sent"}
        assert len(mail.outbox) == 3

    def test_an_address_from_elsewhere_gets_no_code(self, context):
        policy(verification="code")
        assert refused(prove_by_email, replace(context, typed=("hello",)), EMAIL)[0] == "not_typed"
        assert mail.outbox == []

    def test_the_e_mail_is_in_the_conversations_language(self, context, django_capture_on_commit_callbacks):
        policy(verification="code")
        with django_capture_on_commit_callbacks(execute=True):
            refused(prove_by_email, replace(context, language="de"), EMAIL)
        assert mail.outbox[0].subject == "Ihr Code für Acme"


def signed(claims, key, *, digest=None):
    """A token as another program would make it, by the documented steps."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    secret = hashlib.sha256(key.encode()).hexdigest()
    return f"{body}.{hmac.new(secret.encode(), body.encode(), digest or hashlib.sha256).hexdigest()}"


@pytest.mark.django_db
class TestToken:
    @pytest.fixture
    def key(self, ann):
        return create_api_key(name="Shop", actor="alice")

    def claims(self, **others):
        return {"customer": "ann_1", "exp": int(time.time()) + 300, **others}

    def test_a_token_binds_the_conversation(self, context, key, ann):
        policy(verification="token")
        token = signed(self.claims(), key[1])
        assert bind_by_token(conversation=context.conversation, token=token, actor="visitor") == ann
        assert session_of(context).proof == "token"
        assert refresh(context).customer == ann

    def test_our_own_tokens_are_those_of_the_documented_steps(self, key):
        expires_at = int(time.time()) + 60
        assert make_token("ann_1", key=key[1], expires_at=expires_at) == signed(
            {"customer": "ann_1", "exp": expires_at}, key[1]
        )

    def test_a_customer_is_named_by_code_or_address(self, key, ann):
        assert read_token(signed(self.claims(customer=EMAIL.upper()), key[1])) == ann

    def test_any_living_key_of_the_tenant_signs(self, key, ann):
        _, second = create_api_key(name="Second", actor="alice")
        assert read_token(signed(self.claims(), second)) == ann
        revoke_api_key(key=key[0], actor="alice")
        assert read_token(signed(self.claims(), second)) == ann
        assert refused(read_token, signed(self.claims(), key[1]))[0] == "bad_token"

    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": 0},
            {"exp": -1},
            {"exp": "9999999999"},
            {"exp": True},
            {"exp": None},
            {"exp": 1e12},
            {"exp": float("nan")},
            {"customer": "nobody"},
            {"customer": ""},
            {"customer": None},
            {"customer": ["ann_1"]},
            {"customer": "ann_1\0"},
            {"customer": "nobody@example.com"},
            {"customer": "%"},
        ],
    )
    def test_claims_that_do_not_hold_are_refused(self, key, claims):
        assert refused(read_token, signed(self.claims(**claims), key[1]))[0] == "bad_token"

    def test_a_token_lives_for_a_day_at_most(self, key, ann):
        day = 24 * 60 * 60
        assert refused(read_token, signed(self.claims(exp=int(time.time()) + day + 60), key[1]))[0] == "bad_token"
        assert read_token(signed(self.claims(exp=int(time.time()) + day - 60), key[1])) == ann
        assert refused(read_token, signed(self.claims(exp=int(time.time()) - 1), key[1]))[0] == "bad_token"

    def test_forgeries_are_refused(self, key):
        good = signed(self.claims(), key[1])
        body, mac = good.split(".")
        bens = signed(self.claims(customer="ben_2"), "ask_guessed")
        forged = [
            "",
            ".",
            body,
            f"{body}.",
            f".{mac}",
            f"{body}.{mac[:-1]}",
            f"{body}.{mac.upper()}",
            f"{body}.{'0' * 64}",
            f"{body}.{mac}.x",
            f"{body}={'.'}{mac}",
            f"{body[:-1]}.{mac}",
            f"{bens.split('.')[0]}.{mac}",
            bens,
            signed(self.claims(), ""),
            signed(self.claims(), key[0].digest),
            signed(self.claims(), key[0].prefix),
            signed(self.claims(), key[1], digest=hashlib.sha1),
            signed(self.claims(), key[1], digest=hashlib.sha512),
            signed([], key[1]),
            signed("ann_1", key[1]),
            signed(self.claims(pad="x" * 3000), key[1]),
            "é." + mac,
            base64.urlsafe_b64encode(b"not json").decode().rstrip("=") + "." + mac,
        ]
        for token in forged:
            assert refused(read_token, token)[0] == "bad_token", token

    def test_a_key_of_another_tenant_signs_nothing_here(self, tenant, key):
        token = signed(self.claims(), key[1])
        key[0].delete()
        assert refused(read_token, token)[0] == "bad_token"

    def test_a_bound_conversation_is_not_bound_to_another(self, context, key, ann, ben):
        prove_by_email(context, EMAIL)
        token = signed(self.claims(customer="ben_2"), key[1])
        code, words = refused(bind_by_token, conversation=context.conversation, token=token, actor="visitor")
        assert (code, words) == ("not_found", NOT_FOUND)
        assert session_of(context).customer == ann

    def test_where_only_signed_in_customers_see_orders_no_token_helps(self, context, key):
        policy(verification="none")
        token = signed(self.claims(), key[1])
        assert refused(bind_by_token, conversation=context.conversation, token=token, actor="visitor")[0] == "bad_token"


@pytest.mark.django_db
def test_a_token_of_another_tenant_is_refused(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        import_shop(little_shop(), actor="test")
        _, text = create_api_key(name="Shop", actor="alice")
    token = make_token("ann_1", key=text, expires_at=int(time.time()) + 60)
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
        assert refused(read_token, token)[0] == "bad_token"
    with tenant_scope(other_tenant.pk):
        assert read_token(token).code == "ann_1"
