"""The child process of the sandbox: limits itself, reads what stands on its input, answers in JSON and ends."""

import base64
import contextlib
import gc
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import Any

from knowledge.readers.base import ReadError, read
from knowledge.readers.pictures import pictures_in

_MEMORY = {
    "error": "memory",
    "message": "Reading this file needs too much memory. Split it into smaller files and add those.",
}
_MAX_OPEN_FILES = 64
_RECURSION_DEPTH = 3000  # frames; deeply nested pages need more than the usual 1,000


def main(order: str) -> None:
    """Read standard input as `order` says (JSON: file name and limits) and write the answer to standard output."""
    settings: dict[str, Any] = json.loads(order)
    _limit(settings)
    # This process ends before garbage could matter, and looking for it takes a tenth of the time.
    gc.disable()
    answer_to = os.dup(1)
    # Libraries that print must not print into the answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    answer = _answer(settings)
    with open(answer_to, "wb") as pipe:  # noqa: PTH123 - an open descriptor, no path
        pipe.write(answer)
    # Nothing is left to do; freeing a large document piece by piece takes time.
    os._exit(0)


def _limit(settings: dict[str, Any]) -> None:
    cpu = int(settings["cpu_seconds"])
    bounds = {
        resource.RLIMIT_AS: (settings["memory_bytes"], settings["memory_bytes"]),
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (_MAX_OPEN_FILES, _MAX_OPEN_FILES),
    }
    for kind, (soft, hard) in bounds.items():
        # Not every system has every limit; those it has are set.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))
    # Should the parent die, nobody watches the clock: the alarm ends this process by itself.
    signal.alarm(int(settings["wall_seconds"]) + 1)
    sys.setrecursionlimit(_RECURSION_DEPTH)


def _answer(settings: dict[str, Any]) -> bytes:
    try:
        with open(0, "rb", closefd=False) as source:
            data = source.read(settings["input_bytes"] + 1)
        if settings["pictures"]:
            found = pictures_in(data, settings["pictures"])
            return json.dumps({"pictures": {name: base64.b64encode(p).decode() for name, p in found.items()}}).encode()
        return json.dumps(asdict(read(data, settings["filename"]))).encode()
    except ReadError as error:
        return json.dumps({"error": error.code, "message": str(error)}).encode()
    except MemoryError:
        return json.dumps(_MEMORY).encode()
