"""Sockets that stream at once: every token arrives, in order, and how late.

A scripted model sends 50 tokens a second to each of 200 customers, who come within 8 seconds; each token is the time at
which it was sent. A frame's delay is the age of its last token when it arrives: the model's HTTP stream, guardrails,
waiting for company (frames are at least 30 ms apart), the log and the socket are all in it. `serve` runs its web
processes on daphne; the same ASGI application runs under uvicorn and granian with as many.
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

import orjson

from benchmarks.serving import ROOT, customer, free_port, percentile, scripted_model, serving, wait_until_ready

TOKENS_PER_SECOND = 50
TOKENS = 800  # of a reply
RAMP = 8.0  # seconds in which the customers come
PATIENCE = 120.0  # seconds for a whole reply
WORKERS = 2  # as many as `serve` runs
OTHERS = {
    "uvicorn": f"uvicorn --log-level warning --workers {WORKERS} --lifespan off --port",
    "granian": f"granian --interface asginl --log-level warning --workers {WORKERS} --port",
}


@contextlib.contextmanager
def web(name: str, data: Path, environment: dict[str, str]) -> Iterator[str]:
    """Web processes of this server, beside the running `serve` whose PostgreSQL they use."""
    port = free_port()
    command = [sys.executable, "-m", *OTHERS[name].split(), str(port), "project.asgi:application"]
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


async def stream(base: str, start_after: float) -> tuple[list[tuple[float, float]], bool]:
    """When each frame of one customer came and its delay, in seconds; and whether the text came whole and in order."""
    await asyncio.sleep(start_after)
    async with customer(base) as one:
        question = {
            "type": "message.send",
            "client_id": "1",
            "conversation": None,
            "text": "How long does the battery of the X1 last?",
        }
        await one.socket.send(json.dumps(question))
        pieces, seqs, delays = [], [], []
        async with asyncio.timeout(PATIENCE):
            async for message in one.socket:
                frame = orjson.loads(message)
                if "seq" in frame:
                    seqs.append(frame["seq"])
                if frame["type"] == "message.delta":
                    pieces.append(frame["text"])
                    now = time.monotonic()
                    delays.append((now, now - int(frame["text"].split()[-1]) / 1000))
                if frame["type"] in ("message.done", "message.failed", "error"):
                    break
    text = "".join(pieces)
    in_order = seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    whole = in_order and frame["type"] == "message.done" and text == frame["text"] and len(text.split()) == TOKENS
    return delays, whole


async def crowd(base: str, sockets: int) -> None:
    found = await asyncio.gather(*(stream(base, RAMP * n / sockets) for n in range(sockets)))
    whole = sum(ok for _, ok in found)
    frames = [frame for one, _ in found for frame in one]
    all_from, all_until = max(one[0][0] for one, _ in found), min(one[-1][0] for one, _ in found)
    steady = [1000 * delay for at, delay in frames if all_from <= at <= all_until]
    print(
        f"frame delay p50 {percentile(steady, 0.5):.0f} ms, p95 {percentile(steady, 0.95):.0f} ms while all stream "
        f"({all_until - all_from:.0f} s), p95 {1000 * percentile([d for _, d in frames], 0.95):.0f} ms with their "
        f"coming, {len(frames)} frames, {whole} of {sockets} texts whole and in order",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--servers", nargs="*", default=["daphne", *OTHERS])
    options = parser.parse_args()
    script = {"otherwise": " ".join(["{clock}"] * TOKENS), "token_ms": 1000 / TOKENS_PER_SECOND}
    with tempfile.TemporaryDirectory(prefix="askwell-sockets-") as folder, scripted_model(script) as environment:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        with serving(data, ASKWELL_WEB=str(WORKERS), **environment) as server:
            for name in options.servers:
                with web(name, data, environment) if name in OTHERS else contextlib.nullcontext(server.base) as base:
                    print(f"{name:<8} {options.sockets} sockets: ", end="", flush=True)
                    asyncio.run(crowd(base, options.sockets))


if __name__ == "__main__":
    main()
