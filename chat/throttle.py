"""How much one person, one address and one socket may ask for."""

import ipaddress
import logging
import time
from collections.abc import Iterable

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

TURNS_PER_PERSON = RateLimitItemPerMinute(600, namespace="person")
TURNS_PER_ADDRESS = RateLimitItemPerMinute(6000, namespace="address")
FRAMES_PER_SECOND, FRAMES_AT_ONCE = 50.0, 100.0
SOCKETS_PER_PERSON = 20


class TurnLimit:
    """Limits on messages to the assistant, over a moving minute; shared by all processes when there is Redis."""

    def __init__(self) -> None:
        storage = RedisStorage(settings.REDIS_URL) if settings.REDIS_URL else MemoryStorage()
        self._limiter = MovingWindowRateLimiter(storage)

    def wait(self, person: str, address: str) -> int:
        """Counts a message; 0 when it may be taken, or else the seconds until the next one may."""
        try:
            for limit, who in ((TURNS_PER_PERSON, person), (TURNS_PER_ADDRESS, address)):
                if not self._limiter.hit(limit, who):
                    reset = self._limiter.get_window_stats(limit, who).reset_time
                    return max(1, round(reset - time.time()))
        except RedisError as error:
            log.warning("Messages are not limited, Redis is away: %s", error)
        return 0


class FrameLimit:
    """A token bucket for the frames of one socket."""

    def __init__(self) -> None:
        self._left, self._at = FRAMES_AT_ONCE, time.monotonic()

    def take(self, cost: float = 1) -> bool:
        """Whether a frame of this cost may come now."""
        now = time.monotonic()
        self._left = min(FRAMES_AT_ONCE, self._left + (now - self._at) * FRAMES_PER_SECOND) - cost
        self._at = now
        return self._left >= 0


def address_of(client: Iterable[object] | None, forwarded: str) -> str:
    """Where a connection comes from: the last entry of X-Forwarded-For when a proxy on a private address brought it."""
    peer = str(next(iter(client or ("",)), ""))
    try:
        behind_proxy = ipaddress.ip_address(peer).is_private
    except ValueError:
        behind_proxy = True  # a Unix socket
    last = forwarded.rpartition(",")[2].strip()
    return last if behind_proxy and last else peer
