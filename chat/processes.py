"""Which web processes live: each keeps a row with a beating heart, and judges the others by theirs.

A process of the same machine whose id is gone is dead at once, so that a restart goes on without waiting; any other is
dead when its heart has not beaten for DEAD_AFTER on the database's clock.
"""

import contextlib
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from chat.models import ServerProcess

BEAT_SECONDS = 2.0
DEAD_AFTER = 10.0  # seconds without a beat

BEAT = """
    INSERT INTO chat_serverprocess (id, host, pid, started_at, beat_at)
    VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at
"""
OTHERS = """
    SELECT id, host, pid, beat_at < clock_timestamp() - make_interval(secs => %s)
    FROM chat_serverprocess WHERE id <> %s
"""


def host_name() -> str:
    """This machine, or container: process ids are comparable between processes that agree on it."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Census:
    """The other processes: how many there are, those that are certainly gone, and those whose heart stopped."""

    others: int
    gone: list[uuid.UUID]
    silent: list[uuid.UUID]


def beat(server: uuid.UUID) -> Census:
    """Keeps this process alive, and looks at the others."""
    host = host_name()
    with connection.cursor() as cursor:
        cursor.execute(BEAT, [server, host, os.getpid()])
        cursor.execute(OTHERS, [DEAD_AFTER, server])
        others = cursor.fetchall()
    gone = [other for other, where, pid, _ in others if where == host and not _runs(pid)]
    silent = [other for other, _, _, late in others if late and other not in gone]
    return Census(len(others), gone, silent)


def forget(processes: Sequence[uuid.UUID]) -> None:
    """Removes dead processes, so that their conversations can be taken over."""
    ServerProcess.objects.filter(pk__in=processes).delete()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
