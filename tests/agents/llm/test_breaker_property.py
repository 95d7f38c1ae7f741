"""The breaker with two processes on one table, whatever happens in whatever order."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agents.llm.breaker import Breaker
from agents.llm.health import FIRST_PAUSE, LEASE, LONGEST_PAUSE, THRESHOLD
from agents.models import ProviderHealth
from tenants.scope import in_thread

pytestmark = pytest.mark.django_db
EXAMPLES = 300 if os.environ.get("ASKWELL_FAULTS") == "long" else 25
KEY = "b" * 64
PROCESSES = st.sampled_from([0, 1])
MOMENT = timedelta(milliseconds=1)


class TwoProcesses(RuleBasedStateMachine):
    """Requests of two processes, and what the table should say of their provider."""

    runner: asyncio.Runner

    @initialize()
    def begin(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.processes = [Breaker(lambda: self.time), Breaker(lambda: self.time)]
        self.under_way = []  # ordinary requests, as (process, permit)
        self.probes = []  # as (process, permit, the end of its lease)
        self.failures, self.open = 0, False
        self.failed_at = self.time
        self.succeeded = [self.time, self.time]
        self.runner.run(in_thread(ProviderHealth.objects.all().delete))

    def run(self, number, action, *arguments):
        """Let a process do something and everything that follows from it."""
        process = self.processes[number]
        looked_at = process._looked_at

        async def settle():
            result = action(process, *arguments)
            result = await result if asyncio.iscoroutine(result) else result
            if process._reader:
                await asyncio.wait({process._reader})
            await process.settled()
            return result

        result = self.runner.run(settle())
        if process._looked_at != looked_at and not self.open and self.failed_at < self.succeeded[number]:
            self.failures = 0  # it has seen that the failures are older than its own success
        self.time += MOMENT
        return result

    @rule(number=PROCESSES)
    def ask(self, number):
        began = self.time
        permit = self.run(number, Breaker.allow, KEY)
        if permit and permit.probe:
            assert self.open, "a probe, though all is well"
            assert not [end for *_, end in self.probes if end > began], "two probes at once"
            self.probes.append((number, permit, began + timedelta(seconds=LEASE)))
        elif permit:
            self.under_way.append((number, permit))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def answer(self, data, fails):
        """An ordinary request ends, perhaps long after the breaker has changed."""
        number, permit = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        knew = self.processes[number].health(KEY)
        if fails and not self.open:
            self.failures, self.failed_at = self.failures + 1, self.time
            self.open = self.failures == THRESHOLD
        elif not fails:
            self.succeeded[number] = self.time
            self.failures = 0 if knew.failures and not self.open else self.failures
        self.run(number, *((Breaker.failure, permit, "it failed") if fails else (Breaker.success, permit)))

    @precondition(lambda self: self.probes)
    @rule(data=st.data(), verdict=st.sampled_from([Breaker.success, Breaker.failure, Breaker.release]))
    def probe_ends(self, data, verdict):
        """A probe ends; those that never do lose their lease."""
        number, permit, _ = self.probes.pop(data.draw(st.integers(0, len(self.probes) - 1)))
        if verdict == Breaker.success:
            self.succeeded[number] = self.time
            if self.row().probe == permit.probe:
                self.open, self.failures = False, 0
        self.run(number, verdict, permit, *(["it failed again"] if verdict == Breaker.failure else []))

    @rule(number=PROCESSES)
    def look(self, number):
        self.run(number, Breaker.refresh)

    @rule(seconds=st.sampled_from([0.5, 2.0, FIRST_PAUSE, LEASE, LONGEST_PAUSE]))
    def wait(self, seconds):
        self.time += timedelta(seconds=seconds)

    def row(self):
        return ProviderHealth.objects.filter(key=KEY).first() or ProviderHealth(key=KEY)

    @invariant()
    def the_table_is_right(self):
        """It opens with the third failure in a row and no other, and only a probe's success closes it."""
        row = self.row()
        assert (row.opened_at is not None) == self.open
        assert self.open or row.failures == self.failures

    def teardown(self):
        """Whatever happened: it is tried again some time, and closes for everybody when it answers."""
        self.time += timedelta(seconds=LONGEST_PAUSE + LEASE)
        for number in (0, 1):
            self.run(number, Breaker.refresh)
        permit = self.run(0, Breaker.allow, KEY)
        assert permit, "nobody would ever ask again"
        self.run(0, Breaker.success, permit)
        self.run(1, Breaker.refresh)
        assert not any(process.health(KEY).is_open for process in self.processes)


def test_two_processes(provider_runner):
    TwoProcesses.runner = provider_runner
    options = settings(
        max_examples=EXAMPLES,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(TwoProcesses, settings=options)
