"""How a provider is doing, as all processes know it: the rules of the circuit breaker and the rows they are kept in.

Times are those of the hosts' clocks, which agree to within `CLOCKS_DIFFER`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from agents.models import ProviderHealth

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

THRESHOLD = 3
"""Failures in a row that open the breaker."""
FIRST_PAUSE = 30.0
"""Seconds from its opening to the first probe."""
LONGEST_PAUSE = 300.0
"""Seconds between two probes at most, and of a Retry-After that is believed."""
JITTER = 0.2
"""Share by which a repeated pause is longer or shorter, so that not all providers of an outage are probed at once."""
CLOCKS_DIFFER = 10.0
LEASE = 60.0 + CLOCKS_DIFFER
"""Seconds a probe is waited for: as long as an answer may take. A prober that died is then forgotten."""
MAX_ERROR = 200


@dataclass(frozen=True, slots=True)
class Health:
    """Closed while `opened_at` is None; open until `open_until`; then one probe may go, a lease at a time."""

    failures: int = 0
    opened_at: datetime | None = None
    open_until: datetime | None = None
    probe: UUID | None = None
    probe_until: datetime | None = None
    last_error: str = ""
    updated_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether ordinary requests are kept away."""
        return self.opened_at is not None

    def may_be_probed(self, now: datetime) -> bool:
        """Whether it is time for a probe and nobody is about one."""
        due = self.open_until is None or self.open_until <= now
        return self.is_open and due and (self.probe_until is None or self.probe_until <= now)


CLOSED = Health()


def after_failure(health: Health, now: datetime, error: str, *, probe: UUID | None, wait: float | None) -> Health:
    """Return the state after a request failed: that of the probe, or an ordinary one (`probe` is None).

    `wait` are the seconds that the provider asked for (Retry-After): it is left alone that long. What requests from
    before the opening have to say, or a prober whose lease is somebody else's, changes nothing.
    """
    if not _counts(health, probe):
        return health
    failures = health.failures + 1
    if probe is None and failures < THRESHOLD and wait is None:
        return replace(health, failures=failures, last_error=error[:MAX_ERROR], updated_at=now)
    failures = max(failures, THRESHOLD)
    pause = _pause(failures) if wait is None else min(wait, LONGEST_PAUSE)
    until = now + timedelta(seconds=pause)
    return Health(failures, health.opened_at or now, until, None, None, error[:MAX_ERROR], now)


def after_success(health: Health, now: datetime, *, probe: UUID | None) -> Health:
    """Return the state after a request succeeded; only its probe closes an open breaker."""
    return Health(updated_at=now) if _counts(health, probe) else health


def after_release(health: Health, *, probe: UUID) -> Health:
    """Return the state after the probe ended without a verdict: the next request may be one."""
    return replace(health, probe=None, probe_until=None) if health.probe == probe else health


def leased(health: Health, now: datetime, probe: UUID) -> Health:
    """Return the state while `probe` is under way."""
    return replace(health, probe=probe, probe_until=now + timedelta(seconds=LEASE))


def worse(here: Health, there: Health) -> Health:
    """Return which of two accounts of a provider to believe when they were apart: that it is open, rather."""
    return here if here.is_open and not there.is_open else there


def _counts(health: Health, probe: UUID | None) -> bool:
    return health.probe == probe and health.is_open == (probe is not None)


def _pause(failures: int) -> float:
    repeated = failures - THRESHOLD
    pause = min(FIRST_PAUSE * 2.0 ** min(repeated, 10), LONGEST_PAUSE)
    return pause if repeated == 0 else min(pause * random.uniform(1 - JITTER, 1 + JITTER), LONGEST_PAUSE)  # noqa: S311 (no secret)


def read_all() -> dict[str, Health]:
    """Return every provider that has failures to its name."""
    return {row.key: _health(row) for row in ProviderHealth.objects.filter(failures__gt=0)}


def change(key: str, transition: Callable[[Health], Health]) -> Health:
    """Apply a transition to a provider's row, one process at a time, and return the state after it."""
    with transaction.atomic():
        ProviderHealth.objects.bulk_create([ProviderHealth(key=key)], ignore_conflicts=True)
        row = ProviderHealth.objects.select_for_update().get(key=key)
        before = _health(row)
        after = transition(before)
        if after != before:
            _write(key, after)
    return after


def take_probe(key: str, now: datetime, probe: UUID) -> Health:
    """Take the lease of the next probe in one atomic UPDATE if it is free, and return the state as it then is."""
    until = now + timedelta(seconds=LEASE)
    free = Q(probe_until=None) | Q(probe_until__lte=now)
    due = ProviderHealth.objects.filter(free, key=key, opened_at__isnull=False, open_until__lte=now)
    due.update(probe=probe, probe_until=until)
    row = ProviderHealth.objects.filter(key=key).first()
    return _health(row) if row else CLOSED


def _write(key: str, health: Health) -> None:
    ProviderHealth.objects.filter(key=key).update(
        failures=health.failures,
        opened_at=health.opened_at,
        open_until=health.open_until,
        probe=health.probe,
        probe_until=health.probe_until,
        last_error=health.last_error,
        updated_at=health.updated_at,
    )


def _health(row: ProviderHealth) -> Health:
    return Health(
        row.failures, row.opened_at, row.open_until, row.probe, row.probe_until, row.last_error, row.updated_at
    )
