"""What faults happen to: one `serve` with its PostgreSQL, web server and worker, and a second web server beside it."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.serving import ROOT, Server, free_port, wait_until_ready
from project import postgres

LONG = os.environ.get("ASKWELL_FAULTS") == "long"
SEED = int(os.environ.get("ASKWELL_FAULTS_SEED") or 20_261_120)
#: What the scripted model says, slowly: pieces of one to four bytes a character, in both directions.
ANSWER = (
    "The lantern burns for **twelve hours** on one charge 🔋, wie das Gerät auf Seite zwei erklärt. "
    "הפנס דולק שתים עשרה שעות — then it needs 90 minutes on the charger ⚡️.\n\n"
    "| Mode | Hours |\n| --- | --- |\n| low | 30 |\n| high | 12 |\n\n"
    "- keep it dry 💧\n- 充電式ランタン\n- مصباح يدوي\n\n"
    "In short: it lasts twelve hours on the high setting, as its manual says. [1]"
)
TOKEN_MS = 35.0
QUESTION = "How many hours does the lantern burn on one charge?"


class Web:
    """One more web server on the same database."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        self.data, self.environment, self.port = data, environment, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, or starts it again after its death; returns once it is ready."""
        log = self.data / f"web-{self.port}.log"
        command = [sys.executable, "-m", "project.web", "--verbosity", "0", "-b", "127.0.0.1", "-p", str(self.port)]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "project.asgi:application"], cwd=ROOT, stdout=output, stderr=output, env=self.environment
            )
        wait_until_ready(self.base, self.process, log, time.monotonic())

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass
class Stage:
    """The running system, and the ways to hurt it. `cast` has the tenants' people, sessions and documents."""

    server: Server
    environment: dict[str, str]
    other: Web
    cast: dict[str, Any] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    @property
    def bases(self) -> list[str]:
        return [self.server.base, self.other.base]

    def any_base(self) -> str:
        return self.chance.choice(self.bases)

    def run(self, *arguments: str, check: bool = True) -> str:
        """Runs `manage.py` beside the running server; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=False,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    # Its processes

    def child(self, name: str) -> psutil.Process:
        """The process that `serve` has started as this ("nursery", "web" or "worker"), once there is one."""
        title = sys.executable + " -m project.nursery" if name == "nursery" else f"askwell {name}"

        def find() -> psutil.Process | None:
            for child in psutil.Process(self.server.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one of these
                    if " ".join(child.cmdline()).strip().startswith(title):
                        return child
            return None

        found: psutil.Process = self.wait_until(find, 60, f"serve has started the {name}")
        return found

    def postmaster(self) -> psutil.Process:
        pid = (postgres.cluster(self.server.data) / "postmaster.pid").read_text().split("\n", 1)[0]
        return psutil.Process(int(pid))

    def database_processes(self) -> list[psutil.Process]:
        """The postmaster first, then all of its children."""
        postmaster = self.postmaster()
        return [postmaster, *postmaster.children()]

    def kill(self, what: str) -> str:
        """`kill -9` of a web process, the other server, the worker, their parent, or a process of PostgreSQL's."""
        if what == "other web":
            assert self.other.process
            victim = psutil.Process(self.other.process.pid)
        elif what == "postgres":
            victim = self.chance.choice(self.database_processes()[1:])
        else:
            victim = self.child(what) if what in ("nursery", "web", "worker") else self.postmaster()
        name = f"{what} ({victim.pid}, {' '.join(victim.cmdline()).strip()[:60]})"
        victim.kill()
        if what == "other web" and self.other.process:
            self.other.process.wait()
        return name

    @contextlib.contextmanager
    def database_frozen(self) -> Iterator[None]:
        """PostgreSQL does not answer, though it is there."""
        processes = self.database_processes()
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def database_gone(self) -> Iterator[None]:
        """PostgreSQL is dead, and nobody starts it again before the end of the block."""
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            for process in self.database_processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            yield
        finally:
            self.server.process.send_signal(signal.SIGCONT)

    # Its database, seen by its superuser, whom no policy stops

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(**self._address("postgres"), autocommit=True, connect_timeout=5) as connection:
            return connection.execute(statement, values).fetchall()

    def execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(**self._address("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement, values)

    def as_askwell(self) -> psycopg.Connection:
        """A connection of the role that the product uses."""
        return psycopg.connect(**self._address(postgres.ROLE), autocommit=True, connect_timeout=5)

    def _address(self, user: str) -> dict[str, str]:
        return {"host": str(postgres.socket_folder(self.server.data)), "user": user, "dbname": postgres.DATABASE}

    def wait_until(self, condition: Callable[[], Any], patience: float, what: str) -> Any:
        """The first true value of a condition; an AssertionError naming `what` when it takes too long."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                if value := condition():
                    return value
            time.sleep(0.2)
        raise AssertionError(f"{what}: not within {patience:.0f} s")

    def wait_until_well(self, patience: float = 90) -> None:
        """Returns once both web servers and the database answer again."""
        if self.other.process is None or self.other.process.poll() is not None:
            self.other.start()
        self.wait_until(lambda: self.query("SELECT 1"), patience, "the database answers")
        for base in self.bases:
            process = self.server.process
            wait_until_ready(base, process, self.server.log, time.monotonic())


def tell(text: str) -> None:
    """A figure for whoever runs pytest with -s, and for the report of a failing test."""
    print(f"\n{text}", flush=True)  # noqa: T201 (tests measure, too)


def read_cast(output: str) -> dict[str, Any]:
    """The last line that the cast's script printed."""
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found
