"""What a busy process leaves out: never the answer, only how closely it is looked at for reviewers."""

import pytest

from agents import checking, load
from agents.guardrails.grounding import Grounding
from agents.models import AnswerPolicy

pytestmark = pytest.mark.unit


class Answered:
    """As much of a reply as the check begins with."""

    finish, text, passages, asked_back = "stop", "Twelve hours.", ("A passage.",), False
    grounding = None


@pytest.mark.parametrize(
    ("turns", "share", "policy", "closely"),
    [
        (1, 0.99, {}, True),
        (9, load.BUSY, {}, True),
        (2, 0.99, {}, False),
        (2, 0.99, {"hold_ungrounded": True}, True),
        (2, 0.99, {"min_confidence": 0.4}, True),
    ],
)
async def test_a_busy_process_looks_closely_where_the_answer_hangs_on_it(monkeypatch, turns, share, policy, closely):
    asked = []

    async def judge(reply, *, closely):
        asked.append(closely)
        reply.grounding = Grounding(())

    monkeypatch.setattr(checking, "judge", judge)
    monkeypatch.setattr(checking, "fate_of", lambda *_: None)
    monkeypatch.setattr(checking, "phrases_to_add", lambda *_: [])
    monkeypatch.setattr(load._load, "turns", turns)
    monkeypatch.setattr(load.Load, "share", lambda _: share)
    reply = Answered()
    reply.turn = Answered()
    reply.turn.question = "How long?"
    await checking.check_answer(reply, AnswerPolicy(**policy), held=False)
    assert asked == [closely]


def test_turns_are_counted_while_they_last():
    before = load._load.turns
    with load.under_way(), load.under_way():
        assert load._load.turns == before + 2
    assert load._load.turns == before


@pytest.fixture
def clock(monkeypatch):
    """A clock of [seconds, processor seconds] that only goes on when it is told to."""
    now = [0.0, 0.0]
    monkeypatch.setattr(load.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(load.time, "process_time", lambda: now[1])
    return now


def test_the_share_is_that_of_the_last_window(clock):
    lately = load.Load()
    clock[:] = [load.WINDOW, 0.9 * load.WINDOW]
    assert lately.share() == pytest.approx(0.9)
    clock[0] += load.WINDOW / 2  # too soon for another look
    assert lately.share() == pytest.approx(0.9)
    clock[0] += load.WINDOW / 2
    assert lately.share() == 0.0


def test_a_long_silence_does_not_count_as_work(clock):
    lately = load.Load()
    clock[:] = [600.0, 1.0]
    assert lately.share() < 0.01
    clock[:] = [600.0 + load.WINDOW, 1.0 + load.WINDOW]
    assert lately.share() == pytest.approx(1.0)


def test_no_time_has_passed(clock):
    assert load.Load().share() == 0.0
