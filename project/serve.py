"""`manage.py serve`: everything on one machine.

Starts PostgreSQL if needed, prepares the tables and the demo, runs the web processes and one worker, restarts whichever
dies, and stops them together. Django is not loaded here: the supervisor stays small, and a defect in the product cannot
take it down.
"""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from project import postgres
from project.processes import STOP_PATIENCE, Child, Program, interrupt_on_sigterm, say, stop

SIGN_INS = "demo-sign-ins.json"  # in the data folder: what the demo's people sign in with
HIGHEST_PORT = 65_535
BACKLOG = 1024  # connections that wait while the web server restarts
LOOK_EVERY = 0.25  # seconds between two looks at the processes
READY_PATIENCE = 120.0  # seconds for the web server to become ready
MOST_WEB_PROCESSES = 64
WEB_PROCESSES = 2  # by default, where there are as many cores: Python uses one core a process
REFUSED = 3  # the status of a nursery that cannot be prepared: the reason stands above


class Refused(Exception):  # noqa: N818 (not an error of ours: a sentence for the operator)
    """Askwell cannot start; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Runs until SIGINT or SIGTERM. Returns the exit status."""
    options = parse(arguments)
    interrupt_on_sigterm()
    try:
        serve(options.port, options.bind, options.data, options.web)
    except (Refused, postgres.PostgresError) as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command's options; the environment holds their defaults."""
    parser = argparse.ArgumentParser(
        prog="manage.py serve", description="Starts everything of Askwell on this machine."
    )
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or "8000")
    parser.add_argument(
        "--bind", default=os.environ.get("ASKWELL_BIND") or "127.0.0.1", help="the address to listen on"
    )
    parser.add_argument(
        "--web",
        type=int,
        metavar="N",
        default=os.environ.get("ASKWELL_WEB") or str(min(WEB_PROCESSES, os.cpu_count() or 1)),
        help="how many web processes share the port",
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("ASKWELL_DATA") or "var"), help="the data folder"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.web <= MOST_WEB_PROCESSES:
        parser.error(f"--web takes a number from 1 to {MOST_WEB_PROCESSES}")
    return options


def serve(port: int, bind: str, data: Path, processes: int) -> None:
    """Starts, watches and stops everything; raises Refused when it cannot."""
    data = prepare_folder(data)
    os.environ["ASKWELL_DATA"] = str(data)
    embedded = not os.environ.get("DATABASE_URL", "").strip()
    database = postgres.running(data) if embedded else contextlib.nullcontext()
    with sole_server(data, port), listening(bind, port, processes) as listeners, database:
        child = nursery(listeners)
        try:
            watch(child, f"http://{bind}:{port}", data if embedded else None)
        finally:
            stop([child])


def prepare_folder(data: Path) -> Path:
    """The data folder, with the secret that signs cookies."""
    data = data.expanduser().absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        secret = data / "secret-key"
        if not secret.exists():
            with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
    except OSError as error:
        raise Refused(
            f"The data folder {data} cannot be written to: {error.strerror}. Choose another with --data."
        ) from error
    return data


@contextlib.contextmanager
def sole_server(data: Path, port: int) -> Iterator[None]:
    """Refuses a second server on one data folder. The lock is the kernel's, so a killed server leaves none behind."""
    with (data / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Askwell already runs on the data folder {data} ({holder(lock)}). "
                "Stop it first, or choose another folder with --data."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, port {port}")
        lock.flush()
        yield


def holder(lock: IO[str]) -> str:
    """Who holds the lock, as they wrote it down."""
    lock.seek(0)
    return lock.read().strip() or "another process"


@contextlib.contextmanager
def listening(bind: str, port: int, count: int = 1) -> Iterator[list[socket.socket]]:
    """The server's sockets, one for each web process; the kernel spreads connections over them.

    They are held here, so that connections wait while a process restarts.
    """
    advice = "Choose another: `make run PORT=8001`."
    if not 0 <= port <= HIGHEST_PORT:
        raise Refused(f"Port {port} on {bind} cannot be used: ports go from 1 to {HIGHEST_PORT}. {advice}")
    with contextlib.ExitStack() as stack:
        try:
            with _listener(bind, port) as probe:  # shares with nobody, so that a port in use is noticed
                port = probe.getsockname()[1]
            listeners = [stack.enter_context(_listener(bind, port, shared=count > 1)) for _ in range(count)]
        except OSError as error:
            raise Refused(f"Port {port} on {bind} cannot be used: {error.strerror}. {advice}") from error
        yield listeners


def _listener(bind: str, port: int, *, shared: bool = False) -> socket.socket:
    listener = socket.create_server((bind, port), family=_family(bind), backlog=BACKLOG, reuse_port=shared)
    listener.set_inheritable(True)
    return listener


def _family(bind: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in bind else socket.AF_INET


def nursery(listeners: list[socket.socket]) -> Child:
    """The process that parts into the web processes, one for each of the sockets that are held here, and the worker."""
    descriptors = tuple(listener.fileno() for listener in listeners)
    options = [option for descriptor in descriptors for option in ("--fd", str(descriptor))]
    command = [sys.executable, "-m", "project.nursery", *options]
    return Program("nursery", command=command, descriptors=descriptors, patience=STOP_PATIENCE + 2)


def watch(child: Child, address: str, embedded: Path | None) -> None:
    """Keeps everything alive until interrupted."""
    announced, since = False, time.monotonic()
    child.fatal = REFUSED
    while True:
        child.look()
        if child.fatal is not None and child.status == child.fatal:
            raise Refused("Askwell could not be prepared; the reason stands above.")
        if embedded and not postgres.alive(embedded):
            say("PostgreSQL ended; starting it again.")
            postgres.ensure_started(embedded)
        if not announced and ready(address):
            announce(address)
            announced, child.fatal = True, None  # from now on it is worth trying again
        elif not announced and time.monotonic() - since > READY_PATIENCE:
            raise Refused(f"The web server did not become ready within {READY_PATIENCE:.0f} s: {address}/healthz")
        time.sleep(LOOK_EVERY)


def ready(address: str) -> bool:
    """Whether /healthz answers 200."""
    host = address.replace("//0.0.0.0", "//127.0.0.1").replace("//::", "//[::1]")
    try:
        with urllib.request.urlopen(f"{host}/healthz", timeout=2) as response:  # noqa: S310 (our own address)
            return bool(response.status == 200)  # noqa: PLR2004 (the status)
    except OSError:
        return False


def announce(address: str) -> None:
    """Prints where to go and who to be."""
    say(f"\nAskwell is ready: {address}/")
    sign_ins = Path(os.environ["ASKWELL_DATA"]) / SIGN_INS
    if sign_ins.exists():
        demo = json.loads(sign_ins.read_text())
        say(f"  Chat as a customer:  {address}/{demo['tenant']}/")
        say(f"  Look at products:    {address}/{demo['tenant']}/products/")
        say(f"  Take over chats:     {address}/{demo['tenant']}/inbox/")
        say(f"  Review replies:      {address}/{demo['tenant']}/review/")
        say(f"  Keep documents:      {address}/admin/")
        say("Demo sign-ins (password for all of them: " + demo["password"] + ")")
        for person in demo["people"]:
            say(f"  {person['role']:<10} {person['name']:<28} {person['does']}")
    say("Ctrl+C stops everything.\n")
