"""What a busy process leaves out: never the answer, only how closely it is looked at for reviewers."""

import pytest

from agents import checking, load
from agents.guardrails.grounding import Grounding
from agents.models import AnswerPolicy

pytestmark = pytest.mark.unit


class Answered:
    """As much of a reply as the check begins with."""

    finish, text, passages = "stop", "Twelve hours.", ("A passage.",)
    grounding = None


@pytest.mark.parametrize(
    ("turns", "policy", "closely"),
    [
        (1, {}, True),
        (load.BUSY, {}, True),
        (load.BUSY + 1, {}, False),
        (load.BUSY + 1, {"hold_ungrounded": True}, True),
        (load.BUSY + 1, {"min_confidence": 0.4}, True),
    ],
)
async def test_a_busy_process_looks_closely_only_where_the_answer_hangs_on_it(monkeypatch, turns, policy, closely):
    asked = []

    async def judge(reply, *, closely):
        asked.append(closely)
        reply.grounding = Grounding(())

    monkeypatch.setattr(checking, "judge", judge)
    monkeypatch.setattr(checking, "fate_of", lambda *_: None)
    monkeypatch.setattr(checking, "phrases_to_add", lambda *_: [])
    monkeypatch.setattr(load._Load, "turns", turns)
    reply = Answered()
    reply.turn = Answered()
    reply.turn.question = "How long?"
    await checking.check_answer(reply, AnswerPolicy(**policy), held=False)
    assert asked == [closely]


def test_turns_are_counted_while_they_last():
    assert load._Load.turns == 0
    with load.under_way(), load.under_way():
        assert load._Load.turns == 2
    assert load._Load.turns == 0
