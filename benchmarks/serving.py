"""What measurements of a running server share: Askwell on a free port, a scripted model, a customer on the socket."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets

ROOT = Path(__file__).resolve().parent.parent
READY_PATIENCE = 300  # seconds; the first start reads the demo's documents
TERMINAL = {"message.done", "message.failed"}
_hosts = itertools.count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running `manage.py serve`."""

    base: str
    data: Path
    process: subprocess.Popen[bytes]
    ready_after: float
    log: Path


@contextlib.contextmanager
def serving(data: Path | None = None, **environment: str) -> Iterator[Server]:
    """`manage.py serve` until the block ends; its data folder is new unless one is given."""
    with tempfile.TemporaryDirectory(prefix="askwell-bench-") as scratch:
        Path(scratch).chmod(0o755)
        folder = data or Path(scratch) / "data"
        port, log, started = free_port(), Path(scratch) / "log", time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(port), "--data", str(folder)],
                cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **environment},
            )  # fmt: skip
        base = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(base, process, log, started)
            yield Server(base, folder, process, time.monotonic() - started, log)
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def wait_until_ready(base: str, process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    """Returns once /healthz answers 200; ends the benchmark with the log when it never does."""
    while time.monotonic() - started < READY_PATIENCE and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/healthz", timeout=2) as response:
            if response.status == 200:
                return
        time.sleep(0.05)
    sys.exit(f"The server did not become ready:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def scripted_model(script: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The scripted model server in a process of its own; yields the environment that makes Askwell use it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(script, file)
        file.flush()
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "scripted_model", "--script", file.name, "--port", str(port)],
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout
        process.stdout.readline()
        try:
            yield {"OPENAI_API_KEY": "scripted", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@dataclass
class Turn:
    """What came of one question. Times are seconds from `message.send`."""

    first_delta: float = 0.0
    total: float = 0.0
    deltas: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether the frames add up: the text is whole and the sequence has no gap."""
        whole = self.end.get("type") == "message.done" and "".join(self.deltas) == self.end.get("text")
        return whole and self.seqs == list(range(self.seqs[0], self.seqs[0] + len(self.seqs)))


class Customer:
    """A visitor with one conversation, from an address of their own."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.conversation, self.sent = socket, None, itertools.count()

    async def ask(self, text: str) -> Turn:
        """One question, until its reply has ended."""
        turn, client_id, started = Turn(), f"q{next(self.sent)}", time.perf_counter()
        frame = {"type": "message.send", "client_id": client_id, "conversation": self.conversation, "text": text}
        await self.socket.send(json.dumps(frame))
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 120))
            if frame["type"] == "session.ready":
                continue
            self.conversation = frame.get("conversation") or self.conversation
            if "seq" in frame:
                turn.seqs.append(frame["seq"])
            if frame["type"] == "message.delta":
                turn.first_delta = turn.first_delta or time.perf_counter() - started
                turn.deltas.append(frame["text"])
            if frame["type"] in TERMINAL or frame["type"] == "error":
                turn.end, turn.total = frame, time.perf_counter() - started
                return turn


@contextlib.asynccontextmanager
async def customer(base: str, tenant: str = "techpro") -> AsyncIterator[Customer]:
    """A new visitor on the socket."""
    n = next(_hosts)
    address = base.replace("http", "ws", 1) + f"/ws/{tenant}/chat/"
    local = (f"127.1.{n // 250 % 250}.{1 + n % 250}", 0)
    async with websockets.connect(
        address, subprotocols=["askwell.v1"], origin=base, local_addr=local, max_size=None
    ) as ws:
        yield Customer(ws)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of the values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
