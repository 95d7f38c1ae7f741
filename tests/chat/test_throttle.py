import pytest
from limits import RateLimitItemPerMinute

from chat import throttle

pytestmark = pytest.mark.unit


def test_one_person_may_send_so_many_messages_a_minute(monkeypatch):
    monkeypatch.setattr(throttle, "TURNS_PER_PERSON", RateLimitItemPerMinute(3, namespace="person"))
    limit = throttle.TurnLimit()
    assert [limit.wait("a", "1.2.3.4") for _ in range(3)] == [0, 0, 0]
    assert 1 <= limit.wait("a", "1.2.3.4") <= 60
    assert limit.wait("b", "1.2.3.4") == 0


def test_one_address_may_send_so_many_messages_a_minute(monkeypatch):
    monkeypatch.setattr(throttle, "TURNS_PER_ADDRESS", RateLimitItemPerMinute(3, namespace="address"))
    limit = throttle.TurnLimit()
    assert [limit.wait(person, "1.2.3.4") for person in "abc"] == [0, 0, 0]
    assert limit.wait("d", "1.2.3.4") > 0
    assert limit.wait("d", "1.2.3.5") == 0


def test_messages_are_not_limited_while_redis_is_away(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert throttle.TurnLimit().wait("a", "1.2.3.4") == 0
    assert "Redis is away" in caplog.text


def test_frames_may_come_in_a_burst_and_then_at_a_rate(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    limit = throttle.FrameLimit()
    assert sum(limit.take() for _ in range(500)) == throttle.FRAMES_AT_ONCE
    now[0] += 20
    assert limit.take(10)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        (("8.8.8.8", 5), "", "8.8.8.8"),
        (("8.8.8.8", 5), "1.1.1.1", "8.8.8.8"),
        (("10.0.0.1", 5), "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (("127.0.0.1", 5), "", "127.0.0.1"),
        (None, "1.1.1.1", "1.1.1.1"),
        (None, "", ""),
    ],
)
def test_an_address_is_that_of_the_peer_or_of_what_a_proxy_says(client, forwarded, address):
    assert throttle.address_of(client, forwarded) == address
