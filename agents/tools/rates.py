"""How often a tenant's tools may be called in a minute."""

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cache

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
_in_memory = threading.Lock()  # the storage in memory lets two threads count at once


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(RedisStorage(settings.REDIS_URL) if settings.REDIS_URL else MemoryStorage())


def may_call(tenant_id: int, name: str, per_minute: int) -> bool:
    """Count a call; return whether it may be made. Shared by all processes where there is Redis, which may block."""
    counting: AbstractContextManager[object] = nullcontext() if settings.REDIS_URL else _in_memory
    try:
        with counting:
            return _limiter().hit(RateLimitItemPerMinute(per_minute, namespace="tool"), str(tenant_id), name)
    except RedisError as error:
        log.warning("Tools are not limited, Redis is away: %s", error)
        return True
