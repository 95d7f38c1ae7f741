"""The database of the tests: its tables are made once for a state of the migrations, and emptied quickly.

To carry the migrations out takes ten seconds, a copy of what they made a quarter of one.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from project import postgres
from tenants.apps import make_tiers

ROOT = Path(__file__).resolve().parents[1]
MADE = Path(sys.prefix) / "test-databases"
KEPT_FOR = 7 * 24 * 3600  # seconds since the last use
#: What the tables depend on. Migrations that are new besides are applied to a copy, as to any database.
SOURCES = (
    "requirements.txt", "project/postgres.py", "tenants/*.py", "*/migrations/*.py", "*/models.py", "*/models/*.py",
)  # fmt: skip
TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
      AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""
USED = "SELECT name FROM unnest(%s::text[]) AS name WHERE pg_relation_size(name::regclass) > 0"


@functools.cache
def fingerprint() -> str:
    """The same for the same sources."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def put_cluster(data: Path) -> None:
    """Gives a new data folder a database with its tables, as after its first start."""
    MADE.mkdir(exist_ok=True)
    made = MADE / fingerprint()
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two workers one makes it
        if not made.exists():
            _make(made)
        os.utime(made)
        shutil.copytree(made, postgres.cluster(data))


def _make(made: Path) -> None:
    for old in MADE.iterdir():
        if old.is_dir() and old.stat().st_mtime < time.time() - KEPT_FOR:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="askwell-tables-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user when the tests run as root
        environment = {**os.environ, "ASKWELL_DATA": folder, "DJANGO_SETTINGS_MODULE": "project.settings"}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True
        )
        partial = made.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(postgres.cluster(Path(folder)), partial)
        partial.rename(made)


@contextlib.contextmanager
def running(data: Path):
    """The embedded server of a data folder, with the tables made; it need not survive a power cut."""
    put_cluster(data)
    with postgres.running(data):
        with superuser(data, "postgres") as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield


def superuser(data: Path, name: str):
    """A connection whom no policy stops, to the database with this name."""
    return postgres._superuser(data, name)


def emptying(connection):
    """A function that does what Django's flush does behind a test that commits, in much less time.

    A flush makes new files for each of a hundred tables, and then asks for every permission that there is. Here, rows
    are deleted from the tables that have any; those of other applications' tables, which a flush leaves, too. Like a
    flush, it waits for transactions that threads of the test have not ended yet.
    """
    tables = [name for (name,) in connection.execute(TABLES)]

    def empty(*_: object) -> None:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # neither triggers nor foreign keys
            connection.execute(f"LOCK TABLE {', '.join(tables)}")
            used = [name for (name,) in connection.execute(USED, [tables])]
            connection.execute("; ".join(f"DELETE FROM {name}" for name in used))  # noqa: S608 (names of our own)
        make_tiers(using="default")

    return empty
