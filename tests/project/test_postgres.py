"""The embedded PostgreSQL: shared, stopped by the last, back after any of its processes was killed."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from project import postgres


@pytest.fixture
def data():
    folder = Path(tempfile.mkdtemp(prefix="askwell-pg-"))
    folder.chmod(0o755)
    yield folder
    postgres.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def ask(data: Path, statement: str = "SELECT current_user"):
    with psycopg.connect(
        host=str(postgres.socket_folder(data)), user=postgres.ROLE, dbname=postgres.DATABASE, autocommit=True
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def server_pid(data: Path) -> int:
    return int((postgres.cluster(data) / "postmaster.pid").read_text().split()[0])


def hold(data: Path, entered, leave) -> None:
    with postgres.running(data):
        entered.set()
        leave.wait(30)


def test_it_starts_is_shared_and_is_stopped_by_the_last_to_leave(data):
    context = multiprocessing.get_context("spawn")
    entered, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(data, entered, leave))
    with postgres.running(data):
        assert ask(data) == "askwell"
        other.start()
        assert entered.wait(30)
    assert postgres.alive(data), "another process still uses it"
    leave.set()
    other.join(30)
    assert not postgres.alive(data)


def test_the_application_is_neither_superuser_nor_above_the_policies(data):
    with postgres.running(data):
        assert ask(data, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") is False
        assert ask(data, "SELECT extversion FROM pg_extension WHERE extname = 'vector'")


def test_it_comes_back_after_its_main_process_was_killed(data):
    with postgres.running(data):
        ask(data, "CREATE TABLE kept AS SELECT 42 AS n")
        os.kill(server_pid(data), signal.SIGKILL)
        while postgres.answers(data):
            time.sleep(0.05)
        postgres.ensure_started(data)
        assert ask(data, "SELECT n FROM kept") == 42


def test_it_comes_back_by_itself_after_a_backend_was_killed(data):
    with postgres.running(data):
        connection = psycopg.connect(host=str(postgres.socket_folder(data)), user="askwell", dbname="askwell")
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        connection.close()
        deadline, answer = time.monotonic() + 20, None
        while answer is None:  # it may answer until it notices, and refuse until it has recovered
            assert time.monotonic() < deadline
            time.sleep(0.1)
            with contextlib.suppress(psycopg.OperationalError):
                answer = ask(data)
        assert answer == "askwell"
        assert postgres.answers(data)


def test_a_stale_pid_file_does_not_fool_it(data):
    with postgres.running(data):
        pass
    (postgres.cluster(data) / "postmaster.pid").write_text(
        f"{os.getpid()}\n{postgres.cluster(data)}\n1\n5432\n\n\n\n\n"
    )
    with postgres.running(data):
        assert ask(data) == "askwell"


def test_a_long_path_gets_its_socket_elsewhere(tmp_path):
    long = tmp_path / ("d" * 100)
    assert len(os.fsencode(postgres.socket_folder(long))) <= postgres.SOCKET_PATH_LIMIT


def test_a_folder_that_only_root_may_read(data):
    private = data / "private"
    private.mkdir(mode=0o700)
    with postgres.running(private):
        assert ask(private) == "askwell"
        assert (
            subprocess.run(["stat", "-c", "%a", private], capture_output=True, text=True, check=True).stdout.strip()
            == "700"
        )


def test_a_failure_says_why(data, monkeypatch):
    monkeypatch.setattr(postgres, "START_PATIENCE", 0.0)
    postgres.cluster(data).mkdir()
    (postgres.cluster(data) / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(postgres.PostgresError, match="failed:"), postgres.running(data):
        pass
