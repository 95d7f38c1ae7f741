"""Sockets that stream at once: every token arrives, in order, and how late.

A scripted model sends 50 tokens a second to each of 200 customers. A frame's delay is how much later it came than the
steady pace that the fastest frame of its stream sets. The same ASGI application under daphne, uvicorn and granian.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving import ROOT, customer, free_port, percentile, scripted_model, serving, wait_until_ready

TOKENS_PER_SECOND = 50
WORDS = " ".join(f"word{n}" for n in range(1, 301))
COMMANDS = {
    "daphne": ["-m", "project.web", "--verbosity", "0", "-b", "127.0.0.1", "-p", "{port}", "project.asgi:application"],
    "uvicorn": [
        "-m",
        "uvicorn",
        "--log-level",
        "warning",
        "--port",
        "{port}",
        "--lifespan",
        "off",
        "project.asgi:application",
    ],
    "granian": [
        "-m",
        "granian",
        "--interface",
        "asginl",
        "--log-level",
        "warning",
        "--port",
        "{port}",
        "project.asgi:application",
    ],
}


@contextlib.contextmanager
def web(name: str, data: Path, environment: dict[str, str]) -> Iterator[str]:
    """One web process of this server, beside the running `serve` whose PostgreSQL it uses."""
    port = free_port()
    command = [sys.executable, *(part.format(port=port) for part in COMMANDS[name])]
    log = data / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output,
            env={**os.environ, **environment, "ASKWELL_DATA": str(data), "DJANGO_SETTINGS_MODULE": "project.settings"},
        )  # fmt: skip
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log, time.monotonic())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def stream(base: str, start_after: float) -> tuple[list[float], bool]:
    """Delays of one customer's frames in seconds, and whether the text came whole and in order."""
    await asyncio.sleep(start_after)
    async with customer(base) as one:
        question = {
            "type": "message.send",
            "client_id": "1",
            "conversation": None,
            "text": "How long does the battery of the X1 last?",
        }
        await one.socket.send(json.dumps(question))
        text, seqs, seen = "", [], []
        while True:
            frame = json.loads(await asyncio.wait_for(one.socket.recv(), 120))
            if "seq" in frame:
                seqs.append(frame["seq"])
            if frame["type"] == "message.delta":
                text += frame["text"]
                seen.append((time.perf_counter(), len(text)))
            if frame["type"] in ("message.done", "message.failed", "error"):
                break
    # 50 tokens a second of one word each: what has come by a time tells when its last word was sent.
    lateness = [at - text[:length].count(" ") / TOKENS_PER_SECOND for at, length in seen]
    whole = (
        frame["type"] == "message.done" and text == frame["text"] and seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    )
    return [late - min(lateness) for late in lateness[1:]], whole


async def crowd(base: str, sockets: int) -> None:
    found = await asyncio.gather(*(stream(base, 2.0 * n / sockets) for n in range(sockets)))
    delays = [1000 * delay for one, _ in found for delay in one]
    whole = sum(ok for _, ok in found)
    print(
        f"frame delay p50 {percentile(delays, 0.5):.0f} ms, p95 {percentile(delays, 0.95):.0f} ms, "
        f"{len(delays)} frames, {whole} of {sockets} texts whole and in order",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--servers", nargs="*", default=list(COMMANDS))
    options = parser.parse_args()
    script = {"otherwise": WORDS, "token_ms": 1000 / TOKENS_PER_SECOND}
    with tempfile.TemporaryDirectory(prefix="askwell-sockets-") as folder, scripted_model(script) as environment:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        with serving(data, **environment):
            for name in options.servers:
                with web(name, data, environment) as base:
                    print(f"{name:<8} {options.sockets} sockets: ", end="", flush=True)
                    asyncio.run(crowd(base, options.sockets))


if __name__ == "__main__":
    main()
