"""Children are started again, later each time, and made to end; a fork shares what is loaded and ends likewise."""

import os
import signal
import sys
import time

import pytest

from project import processes
from project.processes import Fork, Program

pytestmark = pytest.mark.unit
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def ended(child):
    """The status of a child that is about to end."""
    deadline = time.monotonic() + 10
    while (code := child.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return code


def test_a_child_that_dies_is_started_again_and_later_each_time(capsys):
    child = Program("thing", command=[sys.executable, "-c", "raise SystemExit(3)"])
    child.look()
    child.process.wait()
    child.look()
    assert "The thing ended (status 3); starting it again in 1 s." in capsys.readouterr().out
    assert (child.running, child.status) == (False, 3)
    child.due_at = 0
    child.look()
    assert child.running
    child.stop()
    assert not child.running


def test_a_fatal_status_is_not_tried_again(capsys):
    child = Program("thing", command=[sys.executable, "-c", "raise SystemExit(3)"])
    child.fatal = 3
    child.look()
    child.process.wait()
    child.look()
    assert (child.running, child.status) == (False, 3)
    assert capsys.readouterr().out == ""


def test_a_child_that_does_not_end_is_made_to():
    child = Program("deaf", command=[sys.executable, "-c", DEAF], patience=0.2)
    child.look()
    time.sleep(0.3)
    process = child.process
    child.send(signal.SIGTERM)
    child.stop()
    assert process.returncode == -signal.SIGKILL


def test_a_fork_sees_what_was_loaded_and_returns_its_status(tmp_path):
    loaded = {"words": 3}
    child = Fork("copy", work=lambda: (tmp_path / "seen").write_text(f"{loaded['words']} {os.getppid()}"))
    child.start()
    assert ended(child) == 0
    assert (tmp_path / "seen").read_text() == f"3 {os.getpid()}"
    assert not child.running


def leave(code):
    raise SystemExit(code)


@pytest.mark.parametrize(
    ("work", "status"),
    [
        (lambda: leave(4), 4),
        (lambda: leave(None), 0),
        (lambda: leave("a sentence"), 1),
        (lambda: 1 / 0, 1),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -signal.SIGTERM),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 0),
    ],
)
def test_how_a_fork_may_end(work, status, capfd):
    child = Fork("copy", work=work)
    child.start()
    assert ended(child) == status
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (work.__code__.co_consts[-1] == 0)


def test_a_signal_before_the_first_line_of_a_fork_ends_it(monkeypatch):
    """Not the handler of this process, which the copy has until it sets its own."""
    fork = os.fork

    def fork_and_be_hit():
        pid = fork()
        if not pid:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    monkeypatch.setattr(os, "fork", fork_and_be_hit)
    child = Fork("copy", work=lambda: time.sleep(60))  # longer than the test: only the signal ends it
    before = signal.signal(signal.SIGTERM, lambda *_: os._exit(77))
    try:
        child.start()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended(child) == -signal.SIGTERM
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_fork_that_does_not_end_is_made_to():
    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)

    child = Fork("deaf", work=deaf, patience=0.2)
    child.start()
    time.sleep(0.2)
    child.send(signal.SIGTERM)
    child.stop()
    assert not child.running
    child.send(signal.SIGTERM)  # to nobody


@pytest.fixture
def sigterm_ends():
    """A fork has our way with this signal until it sets its own, and whoever stops forks does not hear it any more."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm_ends")
def test_all_are_ended_together():
    children = [Fork(f"sleeper {n}", work=lambda: time.sleep(60)) for n in range(3)]
    for child in children:
        child.look()
    before = time.monotonic()
    processes.stop(children)
    assert not any(child.running for child in children)
    assert time.monotonic() - before < 2


def test_statuses_in_words():
    assert processes.describe(-9) == "killed by SIGKILL"
    assert processes.describe(2) == "status 2"
