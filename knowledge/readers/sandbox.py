"""Reads a file in a child process that can do no harm: bounded memory, time and output, no secrets, no writing."""

import base64
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from knowledge.readers.base import ReadDocument, ReadError

_ROOT = Path(__file__).resolve().parents[2]
# -I: nothing from the environment, the working folder or the user's own packages. The child finds this code by path.
_ENTRY = "import sys; sys.path.insert(0, sys.argv[1]); from knowledge.readers.child import main; main(sys.argv[2])"
_CHUNK_BYTES = 1 << 20
_KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost.

    Attributes:
        input_bytes: size of the file.
        memory_bytes: address space of the child.
        cpu_seconds: processor time of the child.
        wall_seconds: time until it is killed.
        output_bytes: size of the answer it may send.
    """

    input_bytes: int = 100_000_000
    memory_bytes: int = 1_500_000_000
    cpu_seconds: int = 120
    wall_seconds: float = 180.0
    output_bytes: int = 100_000_000


DEFAULT_LIMITS = Limits()

_MESSAGES = {
    "too-large": "This file is larger than {megabytes:,} MB. Split it into smaller files.",
    "unreadable": "This file could not be opened on the server. Add it again.",
    "timeout": "Reading this file took too long and was stopped. Split it into smaller files, or save it as text.",
    "memory": "Reading this file needs too much memory. Split it into smaller files and add those.",
    "crashed": "This file made the reader stop, so it is probably damaged. Open it, save it again and retry.",
}


def read_in_sandbox(path: Path, filename: str, *, limits: Limits = DEFAULT_LIMITS) -> ReadDocument:
    """Read a file of any supported format in a child process.

    Args:
        path: where the file is.
        filename: what its owner calls it.
        limits: what reading may cost.

    Raises:
        ReadError: the file cannot be read, or reading it went past a limit. Nothing else is raised.
    """
    try:
        size = path.stat().st_size
        source = path.open("rb")
    except OSError as error:
        raise _error("unreadable") from error
    with source:
        if size > limits.input_bytes:
            message = _MESSAGES["too-large"].format(megabytes=limits.input_bytes // 1_000_000)
            raise ReadError("too-large", message)
        return _document(*_run(source, filename, limits))


def read_pictures_in_sandbox(
    path: Path, references: Sequence[str], *, limits: Limits = DEFAULT_LIMITS
) -> dict[str, bytes]:
    """Return the bytes of pictures that a file holds, those that can be shown, by where they are in it.

    Raises:
        ReadError: the file cannot be read, or reading it went past a limit.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise _error("unreadable") from error
    with source:
        answer, exit_code = _run(source, path.name, limits, pictures=list(references))
    try:
        value: Any = json.loads(answer) if exit_code == 0 else None
        return {name: base64.b64decode(data) for name, data in value["pictures"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _error("crashed") from error


def _error(code: str) -> ReadError:
    return ReadError(code, _MESSAGES[code])


def _run(source: BinaryIO, filename: str, limits: Limits, *, pictures: Sequence[str] = ()) -> tuple[bytes, int]:
    """Start the child, collect its answer and end it, whatever happens; returns answer and exit code."""
    order = json.dumps({"filename": filename, "pictures": list(pictures), **asdict(limits)})
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ} | {"LANG": "C.UTF-8"}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and code; the file name travels inside JSON
            [sys.executable, "-I", "-c", _ENTRY, str(_ROOT), order],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _error("crashed") from error
    with child:
        try:
            return _collect(child, limits), child.wait(timeout=5)
        except subprocess.TimeoutExpired as error:
            raise _error("timeout") from error
        finally:
            # The child leads its own group: whatever it may have started goes with it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def _collect(child: subprocess.Popen[bytes], limits: Limits) -> bytes:
    deadline = time.monotonic() + limits.wall_seconds
    parts: list[bytes] = []
    size = 0
    assert child.stdout is not None  # noqa: S101 - asked for above; says so to the type checker
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise _error("timeout")
            part = os.read(child.stdout.fileno(), _CHUNK_BYTES)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > limits.output_bytes:
                raise _error("crashed")


def _document(answer: bytes, exit_code: int) -> ReadDocument:
    if exit_code in {-signal.SIGXCPU, -signal.SIGALRM}:
        raise _error("timeout")
    if exit_code == -signal.SIGKILL:  # the system takes memory back this way; past the hard CPU limit, too
        raise _error("memory")
    try:
        value: Any = json.loads(answer) if exit_code == 0 else None
        if value and "error" in value:
            raise ReadError(str(value["error"]), str(value["message"]))
        if value:
            return ReadDocument(
                title=value["title"],
                markdown=value["markdown"],
                pages=tuple(value["pages"]),
                language=value["language"],
                metadata=value["metadata"],
            )
    except (ValueError, KeyError, TypeError) as error:
        raise _error("crashed") from error
    raise _error("crashed")
