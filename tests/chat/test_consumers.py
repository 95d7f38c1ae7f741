import pytest

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_question_is_accepted_run_and_answered_in_order(customer, verify):
    turn = await customer.say("How long does the battery last?")
    kinds = [f["type"] for f in turn]
    assert kinds[:2] == ["message.accepted", "run.started"]
    assert kinds[-1] == "message.done"
    assert [f["seq"] for f in turn] == list(range(1, len(turn) + 1))
    assert turn[-1]["text"] == "Up to 12 hours. That is enough."
    verify(customer.frames)
