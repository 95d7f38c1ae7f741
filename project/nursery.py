"""`python -m project.nursery`: loads the product once, then parts into the web processes and the worker.

What they have in common stays in memory once (copy on write), and a start loads it once instead of four times. No
thread, no connection to the database and no event loop may exist before they part.
"""

import argparse
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable

import django
from django.core.management import execute_from_command_line
from setproctitle import setproctitle

from project.processes import Child, Fork, interrupt_on_sigterm, stop

LOOK_EVERY = 0.25  # seconds between two looks at the processes
REFUSED = 3  # the status that says: it cannot be prepared, and why stands above
WORKER_NICENESS = 10
WEBSOCKET_BYTES = 4 * 2**20  # of a frame; what is larger is cut off without the close code that tells the client why
WEB_OPTIONS = (
    "--verbosity", "0", "--no-server-name", "--ping-interval", "20", "--ping-timeout", "30",
    "--websocket-max-frame-size", str(WEBSOCKET_BYTES), "--websocket-max-message-size", str(WEBSOCKET_BYTES),
)  # fmt: skip
#: What replies need; nothing of it starts a thread or an event loop, as daphne, onnxruntime and `project.asgi` do.
SHARED = (
    "agents.guardrails.injection",
    "agents.routing.intents",
    "agents.runner",
    "chat.consumers",
    "knowledge.retrieval.search",
    "project.urls",
)


def main(arguments: list[str]) -> int:
    """Runs until SIGINT or SIGTERM. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="project.nursery", description="Runs the web processes and the worker.")
    parser.add_argument("--fd", type=int, action="append", required=True, help="a listening socket, one a web process")
    sockets: list[int] = parser.parse_args(arguments).fd
    interrupt_on_sigterm()
    children: list[Child] = []
    try:
        load()
        if not prepared():
            return REFUSED
        children += [Fork("web process", work=titled("web", web(descriptor))) for descriptor in sockets]
        children.append(Fork("worker", WORKER_NICENESS, work=titled("worker", manage("work"))))
        while True:
            for child in children:
                child.look()
            time.sleep(LOOK_EVERY)  # this process does nothing else
    except KeyboardInterrupt:
        return 0
    finally:
        stop(children)


def load() -> None:
    """Imports what all of them need, and has the collector leave it alone, or it would copy every page it looks at."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads; there are processes for all cores
    django.setup()
    for module in SHARED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def prepared() -> bool:
    """Checks the deployment, brings the tables up to date and seeds the demo, in a process of its own."""
    child = Fork("preparation", work=manage("prepare"))
    child.start()
    while (code := child.poll()) is None:
        time.sleep(0.01)  # nothing else can start before
    return code == 0


def web(descriptor: int) -> Callable[[], None]:
    """A web server on a socket that the supervisor holds."""

    def serve() -> None:
        from project.web import CommandLine  # imports an event loop, which cannot be shared

        CommandLine().run(["--fd", str(descriptor), *web_options(), "project.asgi:application"])

    return serve


def web_options() -> list[str]:
    """The options of daphne, as the environment wants them."""
    proxy = os.environ.get("ASKWELL_PROXY", "").strip() == "1"
    return [*WEB_OPTIONS, *(["--proxy-headers"] if proxy else [])]


def manage(command: str) -> Callable[[], None]:
    """A command of `manage.py`, with its errors in one line."""
    return lambda: execute_from_command_line(["manage.py", command])


def titled(name: str, work: Callable[[], None]) -> Callable[[], None]:
    """Work under a name that `ps` shows."""

    def run() -> None:
        setproctitle(f"askwell {name}")
        work()

    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
