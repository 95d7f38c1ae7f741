"""Processes that are kept alive, and how they are ended. No Django: the supervisor imports this."""

import abc
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
STOP_PATIENCE = 10.0  # seconds for a process to end by itself
RESTART_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0)  # seconds before the nth restart in a row
STEADY = 5.0  # seconds after which a process counts as healthy: one that cannot start has died by then
LOOK_EVERY = 0.05  # seconds between two looks at a process that is to end
ENDING = {signal.SIGTERM, signal.SIGINT}
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass
class Child(abc.ABC):
    """A process that is kept alive.

    Attributes:
        patience: seconds that it has to end by itself.
        fatal: the status after which it is not started again.
        status: how it last ended; None when it never has.
    """

    name: str
    niceness: int = 0
    patience: float = field(default=STOP_PATIENCE, kw_only=True)
    fatal: int | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    due_at: float = field(default=0.0, init=False)
    failures: int = field(default=0, init=False)
    status: int | None = field(default=None, init=False)

    @property
    @abc.abstractmethod
    def running(self) -> bool:
        """Whether it was started and has not been seen to end."""

    @abc.abstractmethod
    def start(self) -> None:
        """Starts it."""

    @abc.abstractmethod
    def poll(self) -> int | None:
        """Its exit status, negative for a signal, once it has ended; the process is forgotten then."""

    @abc.abstractmethod
    def send(self, number: signal.Signals) -> None:
        """Sends it a signal; harmless when it is gone."""

    def look(self) -> None:
        """Starts the process, or starts it again when it has died."""
        now = time.monotonic()
        if self.running and (code := self.poll()) is not None:
            self.status = code
            if code == self.fatal:
                return
            self.failures = 0 if now - self.started_at > STEADY else self.failures + 1
            pause = RESTART_PAUSES[min(self.failures, len(RESTART_PAUSES) - 1)]
            self.due_at = now + pause
            say(f"The {self.name} ended ({describe(code)}); starting it again{f' in {pause:.0f} s' if pause else ''}.")
        if not self.running and now >= self.due_at:
            self.started_at = now
            self.start()

    def stop(self) -> None:
        """Makes it end when it does not by itself."""
        deadline = time.monotonic() + self.patience
        while self.running and self.poll() is None:
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
            time.sleep(LOOK_EVERY)  # waitpid knows no time limit

    def _prepare(self) -> None:
        """In the new process, before anything else."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # a killed supervisor leaves nobody behind
        os.nice(self.niceness)


@dataclass
class Program(Child):
    """A program of its own."""

    command: Sequence[str] = ()
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def running(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own programs)
            self.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=self.descriptors,
            preexec_fn=self._prepare,  # noqa: PLW1509 (the supervisor has one thread)
        )

    def poll(self) -> int | None:
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
        return code

    def send(self, number: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(number)


@dataclass
class Fork(Child):
    """A process that parts from this one and shares the memory of what is loaded; it ends when `work` returns."""

    work: Callable[[], object] = lambda: None
    pid: int = field(default=0, init=False)

    @property
    def running(self) -> bool:
        return self.pid > 0

    def start(self) -> None:
        flush()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until the child no longer handles them as this does
        try:
            self.pid = os.fork()
            if not self.pid:
                self._live(parent, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _live(self, parent: int, mask: set[int]) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._prepare()
            if os.getppid() == parent:  # else it died before it could be told that somebody waits for that
                self.work()
                code = 0
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        except KeyboardInterrupt:
            code = 0
        except BaseException:  # noqa: BLE001 (this process ends here, whatever it was)
            traceback.print_exc()
        finally:
            flush()
            os._exit(code)

    def poll(self) -> int | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG) if self.pid else (0, 0)
        if not pid:
            return None
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def send(self, number: signal.Signals) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def stop(children: Sequence[Child]) -> None:
    """Ends all of them, together."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in children:
        child.send(signal.SIGTERM)
    for child in children:
        child.stop()


def interrupt_on_sigterm() -> None:
    """Has SIGTERM raise KeyboardInterrupt, as SIGINT does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def describe(code: int) -> str:
    """An exit status in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"status {code}"


def say(text: str) -> None:
    """A line for the operator."""
    print(text, flush=True)  # noqa: T201 (a command speaks on stdout)


def flush() -> None:
    """What waits to be written would be written twice after a fork, and never by a process that ends at once."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
