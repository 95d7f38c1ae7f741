"""The breaker's rules one by one; how they hold in any order of events is in `test_breaker_property`."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agents.llm import breaker, health
from agents.llm.base import LLMError
from agents.llm.breaker import Breaker, describe
from agents.llm.health import FIRST_PAUSE, LEASE, LONGEST_PAUSE, THRESHOLD
from agents.models import ProviderHealth
from tenants.scope import in_thread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_table")]
KEY = "a" * 64


class Clock:
    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.time

    def on(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def here(clock):
    return Breaker(clock)


@pytest.fixture
def there(clock):
    """Another process."""
    return Breaker(clock)


async def fail(breaker, times=1, **options):
    for _ in range(times):
        breaker.failure(await breaker.allow(KEY), "It cannot be reached.", **options)
    await breaker.settled()


async def test_three_failures_in_a_row_open_it_for_everybody(here, there):
    await fail(here, 2)
    assert await here.allow(KEY)
    await there.refresh()
    await fail(there)
    assert await there.allow(KEY) is None
    await here.refresh()
    assert await here.allow(KEY) is None
    row = await in_thread(ProviderHealth.objects.get, key=KEY)
    assert (row.failures, row.last_error) == (THRESHOLD, "It cannot be reached.")
    assert await here.allow("another") is not None


async def test_a_success_in_between_starts_the_count_anew(here):
    await fail(here, 2)
    here.success(await here.allow(KEY))
    await fail(here, 2)
    assert await here.allow(KEY)


async def test_a_success_counts_though_nobody_knew_of_the_failures(here, there, clock):
    assert await there.allow(KEY)
    await fail(here, 2)
    clock.on(0.1)
    there.success(await there.allow(KEY))
    await there.refresh()
    await there.settled()
    await here.refresh()
    await fail(here)
    assert await here.allow(KEY)


async def test_one_probe_goes_after_the_pause_and_closes_it(here, there, clock):
    await fail(here, 3)
    await there.refresh()
    clock.on(FIRST_PAUSE - 1)
    assert await here.allow(KEY) is None
    clock.on(1)
    permits = await asyncio.gather(*(process.allow(KEY) for process in (here, there) * 5))
    [probe] = [permit for permit in permits if permit]
    prober = here if permits.index(probe) % 2 == 0 else there
    prober.success(probe)
    await prober.settled()
    for process in (here, there):
        await process.refresh()
        assert await process.allow(KEY) == breaker.Permit(KEY)


async def test_a_failed_probe_opens_it_for_longer(here, clock):
    await fail(here, 3)
    pauses = []
    for _ in range(6):
        clock.on(LONGEST_PAUSE)
        probe = await here.allow(KEY)
        assert probe.probe
        here.failure(probe, "again")
        await here.settled()
        pauses.append((here.health(KEY).open_until - clock()).total_seconds())
    assert 48 <= pauses[0] <= 72
    assert 96 <= pauses[1] <= 144
    assert max(pauses) <= LONGEST_PAUSE
    assert min(pauses[-2:]) >= LONGEST_PAUSE * (1 - health.JITTER)


async def test_a_prober_that_died_loses_its_lease(here, there, clock):
    await fail(here, 3)
    await there.refresh()
    clock.on(FIRST_PAUSE)
    dead = await here.allow(KEY)
    assert dead.probe
    assert await there.allow(KEY) is None
    clock.on(LEASE)
    alive = await there.allow(KEY)
    assert alive.probe
    here.success(dead)  # back from the dead: somebody else has asked meanwhile
    await here.settled()
    await there.refresh()
    assert there.health(KEY).is_open
    there.success(alive)
    assert not there.health(KEY).is_open


async def test_a_probe_that_the_customer_stops_is_no_verdict(here, clock):
    await fail(here, 3)
    clock.on(FIRST_PAUSE)
    here.release(await here.allow(KEY))
    await here.settled()
    assert (await here.allow(KEY)).probe


async def test_what_was_asked_before_the_opening_changes_nothing(here, clock):
    late = await here.allow(KEY)
    await fail(here, 3)
    before = here.health(KEY)
    here.failure(late, "late")
    here.success(late)
    await here.settled()
    assert here.health(KEY) == before


@pytest.mark.parametrize(("asked", "kept"), [(7.0, 7.0), (4000.0, LONGEST_PAUSE)])
async def test_the_wait_that_a_provider_asks_for_opens_it_at_once(here, clock, asked, kept):
    await fail(here, wait=asked)
    assert await here.allow(KEY) is None
    clock.on(kept - 0.1)
    assert await here.allow(KEY) is None
    clock.on(0.1)
    assert (await here.allow(KEY)).probe


async def test_a_closed_provider_costs_no_visit_to_the_database(here, monkeypatch):
    await here.allow(KEY)

    async def no_visit(*arguments):
        raise AssertionError

    monkeypatch.setattr(breaker, "in_thread", no_visit)
    for _ in range(3):
        here.success(await here.allow(KEY))
    assert not here._waiting


async def test_without_a_key_nothing_is_watched(here):
    for _ in range(5):
        permit = await here.allow("")
        here.failure(permit, "away")
    assert await here.allow("")
    assert here._looked_at is None


async def test_without_the_database_each_process_decides_for_itself(here, there, clock, monkeypatch):
    async def away(*arguments):
        raise OSError("away")

    with monkeypatch.context() as cut:
        cut.setattr(breaker, "in_thread", away)
        await fail(here, 3)
        assert await here.allow(KEY) is None
        clock.on(FIRST_PAUSE)
        probe = await here.allow(KEY)
        assert probe.probe
        assert await here.allow(KEY) is None
        here.failure(probe, "still away")
        await here.settled()
    await here.refresh()  # it is back: what was found out meanwhile is told
    await there.refresh()
    assert there.health(KEY).is_open
    assert there.health(KEY) == here.health(KEY)


async def test_a_database_that_hangs_holds_nobody_up(here, clock, monkeypatch):
    async def hangs(*arguments):
        await asyncio.sleep(60)

    await fail(here, 3)
    clock.on(FIRST_PAUSE)
    monkeypatch.setattr(breaker, "in_thread", hangs)
    monkeypatch.setattr(breaker, "TAKE_LIMIT", 0.05)
    monkeypatch.setattr(breaker, "READ_LIMIT", 0.05)
    async with asyncio.timeout(2):
        probe = await here.allow(KEY)
        assert probe.probe
        here.success(probe)
        assert await here.allow(KEY) == breaker.Permit(KEY)
    here._reader.cancel()
    here._writer.cancel()


async def test_a_customer_who_leaves_while_the_lease_is_fetched_gives_it_back(here, clock, monkeypatch):
    await fail(here, 3)
    clock.on(FIRST_PAUSE)
    asking = asyncio.create_task(here.allow(KEY))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await here.settled()
    async with asyncio.timeout(5):
        while not (probe := await here.allow(KEY)):
            await here.refresh()
    assert probe.probe


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LLMError("x", kind="status", retryable=False, status=401), "refuses the key (401)"),
        (LLMError("x", kind="status", retryable=True, status=503), "error (503)"),
        (LLMError("x", kind="idle", retryable=True), "fell silent"),
        (LLMError("x", kind="odd", retryable=True), "failed (odd)"),
    ],
)
async def test_failures_are_told_in_plain_words(error, told):
    assert told in describe(error)
