"""Django's PostgreSQL backend with less waiting: a turn opens a few short transactions, each in a tenant's scope.

Before its own first question each of them asked the server whether the connection lives, to begin, and for the scope's
setting, and waited each time. One message does.
"""

from __future__ import annotations

import contextlib
import select
from typing import TYPE_CHECKING, Any

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection


BEGIN = b"BEGIN"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions may begin with a setting."""

    _begin = BEGIN

    @contextlib.contextmanager
    def beginning_with(self, setting: str, value: int) -> Iterator[None]:
        """The first transaction that begins inside has this setting until it ends; what follows a commit has it not."""
        name = '"."'.join(setting.split("."))
        self._begin = f"BEGIN; SET LOCAL \"{name}\" = '{value:d}'".encode()
        try:
            yield
        finally:
            self._begin = BEGIN

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection of the pool that has not been ended meanwhile, as when the server was started anew."""
        while is_ended(connection := super().get_new_connection(conn_params)):
            connection.close()
            if self.pool:
                self.pool.putconn(connection)  # which drops it
        return connection

    # Django calls this, in place of `_set_autocommit(False)`, where a backend has it.
    def _start_transaction_under_autocommit(self) -> None:
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            begin, self._begin = self._begin, BEGIN
            self.connection.execute(begin, prepare=False)


def is_ended(connection: Connection[Any]) -> bool:
    """Whether the server has closed this idle connection.

    An idle connection has nothing to read but the server's parting words, or its end: the kernel knows, and no question
    need be put to the server.
    """
    ready = select.poll()
    ready.register(connection.fileno(), select.POLLIN)
    return bool(ready.poll(0))
