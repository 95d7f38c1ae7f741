import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.http import HttpResponse

from chat import services, throttle
from chat.middleware import TurnLimitMiddleware
from chat.models import Conversation, Message, TurnCount
from chat.queries import Person
from chat.tasks import forget_counts
from chat.throttle import RateLimitedError, count_turn, limited_address, subject_of, wait_of
from project.database import close_connections
from tenants.models import RateTier, Tenant
from tenants.scope import tenant_scope

SERVER = uuid.uuid4()


@pytest.fixture
def tier(tenant):
    tier = RateTier.objects.create(slug="small", name="Small", turns_per_hour=3, address_turns_per_hour=5)
    Tenant.objects.filter(pk=tenant.pk).update(tier=tier)
    return tier


@pytest.fixture
def visitor():
    return Person(None, uuid.uuid4(), address="8.8.8.8")


def someone(address="8.8.8.8"):
    return Person(None, uuid.uuid4(), address=address)


def take(tenant, person):
    """Counts a turn; 0, or the seconds to wait."""
    try:
        with tenant_scope(tenant.pk), transaction.atomic():
            count_turn(tenant=tenant, person=person)
    except RateLimitedError as error:
        return error.wait
    return 0


def pass_minutes(tenant, minutes):
    """Makes everything that was counted so much older."""
    with tenant_scope(tenant.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE chat_turncount SET slot = slot - %s", [minutes])


def test_every_installation_has_tiers_and_a_tenant_the_middle_one(tenant):
    tiers = {t.slug: (t.turns_per_hour, t.address_turns_per_hour) for t in RateTier.objects.all()}
    assert tiers == {"free": (100, 500), "pro": (1000, 500), "unlimited": (None, None)}
    assert tenant.tier_id == "pro"
    assert str(tenant.tier) == "Pro: 1,000 turns an hour a customer, 500 an address"


@pytest.mark.parametrize(("slug", "most"), [("free", 100), ("pro", 1000)])
def test_a_customer_has_the_turns_of_the_tier(tenant, slug, most):
    Tenant.objects.filter(pk=tenant.pk).update(tier=slug)
    person = Person(None, uuid.uuid4())
    assert [take(tenant, person) for _ in range(most)] == [0] * most
    assert 0 < take(tenant, person) <= 3600
    assert take(tenant, Person(None, uuid.uuid4())) == 0


def test_an_unlimited_tier_counts_nothing(tenant, visitor):
    Tenant.objects.filter(pk=tenant.pk).update(tier="unlimited")
    assert [take(tenant, visitor) for _ in range(20)] == [0] * 20
    with tenant_scope(tenant.pk):
        assert not TurnCount.objects.exists()


def test_an_address_has_its_own_limit_whoever_comes_from_it(tenant, tier):
    assert [take(tenant, someone()) for _ in range(5)] == [0] * 5
    assert take(tenant, someone()) > 0
    assert take(tenant, someone("8.8.4.4")) == 0
    assert take(tenant, someone("")) == 0


def test_tenants_count_by_themselves(tenant, tier, other_tenant, visitor):
    Tenant.objects.filter(pk=other_tenant.pk).update(tier=tier)
    assert [take(tenant, visitor) for _ in range(4)][:3] == [0, 0, 0]
    assert [take(other_tenant, visitor) for _ in range(3)] == [0, 0, 0]


def test_the_hour_slides(tenant, tier, visitor):
    assert take(tenant, visitor) == 0
    pass_minutes(tenant, 30)
    assert [take(tenant, visitor) for _ in range(3)][:2] == [0, 0]
    assert 29 * 60 <= take(tenant, visitor) <= 30 * 60
    pass_minutes(tenant, 30)
    assert take(tenant, visitor) == 0  # the first one has left, the two behind it have not
    assert take(tenant, visitor) > 0
    pass_minutes(tenant, 61)
    assert [take(tenant, visitor) for _ in range(3)] == [0, 0, 0]


def test_what_is_refused_is_not_counted(tenant, tier, visitor):
    for _ in range(3):
        take(tenant, visitor)
    waits = [take(tenant, visitor) for _ in range(5)]
    with tenant_scope(tenant.pk):
        assert [sum(count.turns) for count in TurnCount.objects.all()] == [3, 3]
    assert max(waits) <= 3600


def test_an_edited_tier_holds_from_the_next_turn_on(tenant, tier, visitor):
    assert [take(tenant, visitor) == 0 for _ in range(4)] == [True, True, True, False]
    RateTier.objects.filter(pk=tier.pk).update(turns_per_hour=4)
    assert take(tenant, visitor) == 0
    RateTier.objects.filter(pk=tier.pk).update(turns_per_hour=1)
    assert take(tenant, visitor) > 0


@pytest.mark.parametrize(
    ("turns", "most", "wait"),
    [
        ([3], 3, 0),
        ([4], 3, 3600),
        ([1, 0, 3], 3, 58 * 60),
        ([2, 1, *[0] * 57, 2], 3, 60),
        ([2, 1, *[0] * 57, 2], 2, 59 * 60),
        ([1], 0, 3600),
    ],
)
@pytest.mark.unit
def test_the_wait_is_until_enough_turns_leave_the_hour(turns, most, wait):
    assert wait_of(turns, most, 0) == wait
    assert wait_of(turns, most, 20) == max(0, wait - 20)


def post(tenant, person, client_id=None):
    new = services.NewMessage(uuid.uuid4(), opens=True, client_id=client_id or uuid.uuid4().hex, text="How long?")
    return services.post_message(server=SERVER, tenant=tenant, person=person, message=new)


def test_a_refused_message_leaves_nothing_and_one_sent_again_is_not_refused(tenant, tier, visitor):
    for _ in range(2):
        post(tenant, visitor)
    third = post(tenant, visitor, "third")
    with pytest.raises(RateLimitedError) as refused:
        post(tenant, visitor)
    assert post(tenant, visitor, "third").message == third.message
    assert (refused.value.code, refused.value.fields["retry_after"]) == ("rate_limited", refused.value.wait)
    with tenant_scope(tenant.pk):
        assert Conversation.objects.count() == 3
        assert Message.objects.count() == 6


def test_asking_again_counts_as_well(tenant, tier, visitor):
    posted = post(tenant, visitor)
    with tenant_scope(tenant.pk):
        reply = Message.objects.get(reply_to=posted.message)
        Message.objects.filter(pk=reply.pk).update(state="failed")
        Conversation.objects.update(server=None)
    again = {"server": SERVER, "tenant": tenant, "person": visitor, "message_id": reply.pk}
    services.retry_reply(**again)
    services.retry_reply(**again)  # harmless while the answer is to come: not counted
    assert [take(tenant, visitor) == 0 for _ in range(2)] == [True, False]
    with tenant_scope(tenant.pk):
        Message.objects.filter(role="assistant").update(state="failed")
    with pytest.raises(RateLimitedError):
        services.retry_reply(**again)
    services.retry_reply(**again, counted=False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["person", "address"])
def test_processes_that_count_at_once_never_exceed_the_limit(tenant, tier, visitor, by):
    RateTier.objects.filter(pk=tier.pk).update(turns_per_hour=10 if by == "person" else None, address_turns_per_hour=10)
    together = threading.Barrier(8)

    def process(_):
        together.wait()
        try:
            return [take(tenant, visitor if by == "person" else someone()) == 0 for _ in range(5)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [one for some in pool.map(process, range(8)) for one in some]
    close_connections()
    assert sum(taken) == 10


@pytest.mark.parametrize(
    ("language", "wait", "words"),
    [("en", 61, "wait 2 minutes"), ("en", 5, "wait a minute"), ("de-AT", 3600, "60 Minuten"), ("es", 61, "2 minutos"),
     ("fr", 30, "une minute")],
)  # fmt: skip
@pytest.mark.unit
def test_the_wait_is_told_in_the_language_of_the_tenant(language, wait, words):
    assert words in str(RateLimitedError(wait, language))


def ask_over_http(request, tenant):
    """A view that posts a message, as a program's way in will."""
    person = Person(None, uuid.UUID(int=1), address=throttle.address_of_request(request))
    post(tenant, person)
    return HttpResponse("taken")


def test_a_message_over_http_has_the_same_limit(tenant, tier, rf, settings):
    assert "chat.middleware.TurnLimitMiddleware" in settings.MIDDLEWARE
    over_http = TurnLimitMiddleware(lambda request: ask_over_http(request, tenant))

    def answer():
        request = rf.post("/", REMOTE_ADDR="8.8.8.8")
        try:
            return over_http(request)
        except RateLimitedError as error:  # as Django hands it over
            return over_http.process_exception(request, error)

    assert [answer().status_code for _ in range(3)] == [200, 200, 200]
    refused = answer()
    told = json.loads(refused.content)
    assert (refused.status_code, told["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == str(told["retry_after"])
    assert 0 < told["retry_after"] <= 3600
    assert over_http.process_exception(rf.get("/"), ValueError()) is None
    assert take(tenant, Person(None, uuid.UUID(int=1))) > 0  # the WebSocket counts with it


def test_nobody_can_read_who_was_counted(tenant, tier, visitor):
    take(tenant, visitor)
    with tenant_scope(tenant.pk):
        subjects = set(TurnCount.objects.values_list("subject", flat=True))
    assert subjects == {subject_of("person", visitor.key), subject_of("address", "8.8.8.8")}
    assert subject_of("person", "8.8.8.8") not in subjects


def test_old_counts_are_forgotten(tenant, tier, visitor):
    take(tenant, visitor)
    pass_minutes(tenant, 59)
    forget_counts(int(time.time()))
    with tenant_scope(tenant.pk):
        assert TurnCount.objects.count() == 2
    pass_minutes(tenant, 2)
    forget_counts(int(time.time()))
    with tenant_scope(tenant.pk):
        assert not TurnCount.objects.exists()


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.unit
def test_frames_may_come_in_a_burst_and_then_at_a_rate(clock):
    limit = throttle.FrameLimit()
    assert sum(limit.take() for _ in range(500)) == throttle.FRAMES_AT_ONCE
    clock[0] += 20
    assert limit.take(10)


@pytest.mark.unit
def test_one_person_may_ask_in_a_burst_and_then_at_a_rate(clock, monkeypatch):
    monkeypatch.setattr(throttle, "BURSTS_KEPT", 2)
    bursts, tenant = throttle.Bursts(), Tenant(pk=1, language="en")
    one, other = someone(), someone()
    for _ in range(600):
        bursts.check(tenant, one)
    with pytest.raises(RateLimitedError):
        bursts.check(tenant, one)
    bursts.check(tenant, other)
    clock[0] += 0.1
    bursts.check(tenant, one)
    for _ in range(2):
        bursts.check(tenant, someone())
    bursts.check(tenant, one)  # forgotten among so many


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        (("8.8.8.8", 5), "", "8.8.8.8"),
        (("8.8.8.8", 5), "1.1.1.1", "8.8.8.8"),
        (("10.0.0.1", 5), "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (("10.0.0.1", 5), "", "10.0.0.1"),
        (("127.0.0.1", 5), "", ""),
        (("127.0.0.1", 5), "1.1.1.1", "1.1.1.1"),
        (("::1", 5, 0, 0), "", ""),
        (("::ffff:127.0.0.1", 5), "", ""),
        (("::ffff:8.8.8.8", 5), "", "8.8.8.8"),
        (("2001:4860:4860:1:2:3:4:5", 5), "", "2001:4860:4860:1::/64"),
        (None, "1.1.1.1", "1.1.1.1"),
        (None, "unknown", "unknown"),
        (None, "", ""),
    ],
)
@pytest.mark.unit
def test_the_address_that_is_limited_is_the_peer_or_what_a_proxy_says(client, forwarded, address):
    assert limited_address(client, forwarded) == address


@pytest.mark.unit
def test_an_http_request_has_the_same_address(rf):
    assert throttle.address_of_request(rf.get("/")) == ""
    assert throttle.address_of_request(rf.get("/", REMOTE_ADDR="8.8.8.8")) == "8.8.8.8"
    assert throttle.address_of_request(rf.get("/", HTTP_X_FORWARDED_FOR="1.1.1.1")) == "1.1.1.1"
