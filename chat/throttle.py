"""How much one person, one address and one socket may ask for.

Turns are counted where they are taken, in the transaction of the message or retry, by the database that all processes
share: one statement, whichever way the turn came. What is refused is rolled back and so never counted.

The window slides in slots of a minute (a "sliding window counter", as in Cloudflare, "How we built rate limiting
capable of scaling to millions of domains", 2017, with sixty slots where they weigh two, so that the wait that is told
is the true one). A row holds the turns of one subject in each of sixty minutes, newest first.

Each tenant counts by itself: the limit is part of what a tenant has, its customers must not be locked out by another's,
and the policy of the table lets no transaction see further.
"""

import hashlib
import ipaddress
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from chat.frames import FrameError
from chat.models import TurnCount
from chat.queries import Person
from chat.wording import words_of
from tenants.models import Tenant
from tenants.scope import current_tenant_id

SLOTS = 60  # of a minute: the hour that a tier's limits are about
MINUTE = 60  # seconds
BURST_PER_SECOND, BURST_AT_ONCE = 10.0, 600.0  # turns of one person, in each process
BURSTS_KEPT = 10_000  # people whose bursts a process remembers
FRAMES_PER_SECOND, FRAMES_AT_ONCE = 50.0, 100.0
SOCKETS_PER_PERSON = 20
V6_NETWORK = 64  # bits: what a provider gives to one customer

#: The row of the address comes last, and this statement last in its transaction: who comes from the same address waits
#: for the commit alone. The limits are read along, so that a tier that is edited holds from the next turn on.
COUNT = """
    WITH wanted AS (
        SELECT t.id AS tenant, v.place, v.subject, v.most, n.epoch / 60 AS slot, n.epoch %% 60 AS second
        FROM tenants_tenant t JOIN tenants_ratetier r ON r.slug = t.tier_id
        CROSS JOIN (SELECT floor(extract(epoch FROM clock_timestamp()))::int AS epoch) n
        CROSS JOIN LATERAL (VALUES (1, %(person)s::uuid, r.turns_per_hour),
            (2, %(address)s::uuid, r.address_turns_per_hour)) AS v(place, subject, most)
        WHERE t.id = %(tenant)s AND v.subject IS NOT NULL AND v.most IS NOT NULL
    ), counted AS (
        INSERT INTO chat_turncount AS c (tenant_id, subject, slot, turns)
        SELECT tenant, subject, slot, ARRAY[1] FROM wanted ORDER BY place
        ON CONFLICT (tenant_id, subject) DO UPDATE SET
            turns = CASE
                WHEN excluded.slot <= c.slot THEN (c.turns[1] + 1) || c.turns[2:]
                WHEN excluded.slot < c.slot + %(slots)s
                    THEN (1 || array_fill(0, ARRAY[excluded.slot - c.slot - 1]) || c.turns)[:%(slots)s]
                ELSE ARRAY[1] END,
            slot = greatest(c.slot, excluded.slot)
        RETURNING subject, turns
    )
    SELECT counted.turns, wanted.most, wanted.second FROM counted JOIN wanted USING (subject)
"""


class RateLimitedError(FrameError):
    """Somebody asks too much; `wait` are the seconds until they may ask again."""

    def __init__(self, wait: int, language: str) -> None:
        words, minutes = words_of(language), -(-wait // MINUTE)
        span = words["wait_one"] if minutes <= 1 else words["wait"].format(count=minutes)
        super().__init__("rate_limited", words["rate_limited"].format(wait=span), retry_after=wait)
        self.wait = wait


def count_turn(*, tenant: Tenant, person: Person) -> None:
    """Counts a turn against the limits of the tenant's tier, in the open transaction of its scope: call it last there.

    Raises RateLimitedError when it is one too many; the transaction must be rolled back then.
    """
    address = subject_of("address", person.address) if person.address else None
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT,
            {
                "tenant": current_tenant_id(),
                "person": subject_of("person", person.key),
                "address": address,
                "slots": SLOTS,
            },
        )
        wait = max((wait_of(*row) for row in cursor.fetchall()), default=0)
    if wait:
        raise RateLimitedError(wait, tenant.language)


def wait_of(turns: Sequence[int], most: int, second: int) -> int:
    """Seconds until a turn may be taken; 0 when it may be now.

    Args:
        turns: of each minute, newest first, the one in question among those of the first.
        most: turns that an hour may have.
        second: of the minute that is passing.
    """
    excess = sum(turns) - most
    if excess <= 0:
        return 0
    at = len(turns) - 1
    while at > 0 and turns[at] < excess:  # the oldest minutes leave the window first
        excess -= turns[at]
        at -= 1
    return (SLOTS - at) * MINUTE - second


def forget_old_counts() -> int:
    """Deletes what has left the window, of the tenant in scope; returns how many rows."""
    deleted: int = TurnCount.objects.filter(slot__lt=int(time.time()) // MINUTE - SLOTS).delete()[0]
    return deleted


def subject_of(kind: str, who: str) -> uuid.UUID:
    """Whose turns a row counts, without saying it: nobody can read an address there."""
    key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
    return uuid.UUID(bytes=hashlib.blake2b(f"{kind} {who}".encode(), key=key, digest_size=16).digest())


class Bucket:
    """A token bucket: so much at once, filled again at a rate a second."""

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, rate: float, most: float) -> None:
        self._rate, self._most, self._left, self._at = rate, most, most, time.monotonic()

    def wait(self, cost: float = 1) -> float:
        """Takes this much; 0 when it was there, or else the seconds until it is, and nothing is taken."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < cost:
            return (cost - self._left) / self._rate
        self._left -= cost
        return 0.0


class FrameLimit:
    """Limits the frames of one socket."""

    def __init__(self) -> None:
        self._bucket = Bucket(FRAMES_PER_SECOND, FRAMES_AT_ONCE)

    def take(self, cost: float = 1) -> bool:
        """Whether a frame of this cost may come now."""
        return self._bucket.wait(cost) == 0


class Bursts:
    """Keeps who asks without a pause from the database, whatever their tier; in each process by itself."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, tenant: Tenant, person: Person) -> None:
        """Counts a try; raises RateLimitedError when it is one too many."""
        key = f"{tenant.pk} {person.key}"
        with self._lock:
            bucket = self._buckets.pop(key, None) or Bucket(BURST_PER_SECOND, BURST_AT_ONCE)
            self._buckets[key] = bucket
            if len(self._buckets) > BURSTS_KEPT:
                self._buckets.popitem(last=False)
            wait = bucket.wait()
        if wait:
            raise RateLimitedError(max(1, round(wait)), tenant.language)


bursts = Bursts()


def address_of(client: Iterable[object] | None, forwarded: str) -> str:
    """Where a connection comes from: the last entry of X-Forwarded-For when a proxy on a private address brought it."""
    peer = str(next(iter(client or ("",)), ""))
    try:
        behind_proxy = ipaddress.ip_address(peer).is_private
    except ValueError:
        behind_proxy = True  # a Unix socket
    last = forwarded.rpartition(",")[2].strip()
    return last if behind_proxy and last else peer


def limited_address(client: Iterable[object] | None, forwarded: str) -> str:
    """The address whose turns are counted; empty for this very machine, where the operator is, and for Unix sockets.

    Of version 6 it is the network, all of which one customer of a provider may use.
    """
    address = address_of(client, forwarded)
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or known
    if known.is_loopback and not forwarded:
        return ""
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, V6_NETWORK), strict=False))
    return str(known)


def address_of_request(request: HttpRequest) -> str:
    """`limited_address` of an HTTP request."""
    return limited_address((request.META.get("REMOTE_ADDR", ""),), request.headers.get("X-Forwarded-For", ""))
