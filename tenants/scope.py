"""The tenant scope: explicit, transaction-local, and closed when it is forgotten.

`tenant_scope` opens a transaction, tells PostgreSQL whose rows may be seen (`set_config(..., is_local => true)`, so the
setting dies with the transaction and cannot leak through a pooled connection) and sets a context variable that the
default manager of tenant-owned models demands.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from channels.db import database_sync_to_async
from django.db import connection, transaction

if TYPE_CHECKING:
    from tenants.postgresql.base import DatabaseWrapper

P = ParamSpec("P")
R = TypeVar("R")

TENANT_SETTING, USER_SETTING = "askwell.tenant", "askwell.user"
THREADS = 8  # at most this many database calls of the event loop run at once in a process

_tenant: ContextVar[int | None] = ContextVar("askwell_tenant", default=None)
_executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="database")


class NoTenantScope(Exception):  # noqa: N818 (named for what is missing)
    """Rows of a tenant were asked for outside of `with tenant_scope(tenant):`."""


class WrongTenantScope(Exception):  # noqa: N818 (named for what is wrong)
    """A scope of one tenant was opened inside that of another."""


def current_tenant_id() -> int:
    """The tenant of the scope that is open here; raises NoTenantScope when none is."""
    tenant_id = _tenant.get()
    if tenant_id is None:
        raise NoTenantScope(NoTenantScope.__doc__)
    return tenant_id


@contextlib.contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """A transaction in which the rows of one tenant, and no others, can be seen and changed.

    Keep it short: nothing slow (a model, a file, a network) belongs inside. Nested scopes of the same tenant join the
    outer one as a savepoint; of another tenant they raise WrongTenantScope.
    """
    outer = _tenant.get()
    if outer is not None and outer != tenant_id:
        raise WrongTenantScope(WrongTenantScope.__doc__)
    with contextlib.ExitStack() as stack:
        if outer is None:
            stack.enter_context(_setting(TENANT_SETTING, tenant_id))
        else:
            stack.enter_context(transaction.atomic())
        token = _tenant.set(tenant_id)
        try:
            yield
        finally:
            _tenant.reset(token)


@contextlib.contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """A transaction in which one user's own memberships can be read, in whichever tenants they are."""
    with _setting(USER_SETTING, user_id):
        yield


@contextlib.contextmanager
def _setting(name: str, value: int) -> Iterator[None]:
    """A transaction with a setting of PostgreSQL's; cleared early where a longer transaction goes on around it."""
    if not connection.in_atomic_block:
        with cast("DatabaseWrapper", connection).beginning_with(name, value), transaction.atomic():
            yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, str(value)])
        yield
        cursor.execute("SELECT set_config(%s, '', true)", [name])


def _run(context: Context, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    return context.run(function, *args, **kwargs)


_cross = database_sync_to_async(_run, thread_sensitive=False, executor=_executor)


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs synchronous code from the event loop, in a database thread: the one crossing between the two colours.

    In a context of its own: what is given up half-way would otherwise leave its open scope to whoever waited for it.
    """
    result: R = await _cross(copy_context(), function, args, kwargs)
    return result


async def in_tenant(tenant_id: int, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`in_thread`, inside `tenant_scope(tenant_id)`."""

    def scoped() -> R:
        with tenant_scope(tenant_id):
            return function(*args, **kwargs)

    return await in_thread(scoped)
