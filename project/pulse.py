"""Whether the database answers: asked again and again beside the requests, so that none has to wait to find out.

A database that is stopped refuses connections and says so at once. One that hangs (a frozen machine, a cut network)
lets every query wait; then only this tells.
"""

import logging
import threading
import time

from django.db import DatabaseError, InterfaceError, connection
from psycopg_pool import PoolTimeout

EVERY = 1.0  # seconds between two questions
AWAY_AFTER = 4.0  # seconds without an answer

log = logging.getLogger(__name__)
_answered = {"at": time.monotonic()}
_started = threading.Event()


def start() -> None:
    """Begins to ask, once in a process, in a thread of its own."""
    if not _started.is_set():
        _started.set()
        _answered["at"] = time.monotonic()
        threading.Thread(target=_ask_forever, name="pulse", daemon=True).start()


def is_away() -> bool:
    """Whether the database has not answered for a while; False where nobody asks."""
    return _started.is_set() and time.monotonic() - _answered["at"] > AWAY_AFTER


def ask() -> None:
    """One question."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _answered["at"] = time.monotonic()
    except (DatabaseError, InterfaceError, PoolTimeout) as error:  # whatever keeps it from answering: it is asked again
        log.debug("The database does not answer: %s", error)
        connection.close()


def _ask_forever() -> None:
    while True:
        ask()
        time.sleep(EVERY)
