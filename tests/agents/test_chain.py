import asyncio

import pytest

from agents.llm import chain
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta, Usage
from agents.llm.scripted import Pause, Scripted, says

AWAY = LLMError("away", kind="connect", retryable=True)
PROMPT = [Message("user", "Battery?")]


async def received(*providers):
    return [chunk async for chunk in chain.stream(providers, PROMPT, (), Options())]


async def test_the_first_provider_that_answers_is_enough():
    first, second = Scripted(says("Hello", usage=Usage(1, 1))), Scripted(says("never"))
    assert await received(first, second) == [
        chain.Attempt(first, None),
        TextDelta("Hello"),
        Usage(1, 1),
        Finished("stop"),
    ]
    assert second.calls == []


async def test_a_failure_moves_on_to_the_next():
    first, second, third = Scripted([AWAY]), Scripted(["half", AWAY]), Scripted(says("whole"))
    assert await received(first, second, third) == [
        chain.Attempt(first, None),
        chain.Attempt(first, AWAY, again=True),
        chain.Attempt(second, AWAY),
        TextDelta("half"),
        chain.Attempt(third, AWAY),
        TextDelta("whole"),
        Finished("stop"),
    ]
    assert (first.closed, second.closed, third.closed) == (2, 1, 1)


async def test_text_without_a_finish_is_truncated():
    assert (await received(Scripted(["half"])))[-1] == Finished("truncated")


@pytest.mark.parametrize("script", [[], [Finished("stop")], [Usage(1, 0), Finished("stop")]])
async def test_an_empty_answer_is_a_failure(script):
    first, second = Scripted(script), Scripted(says("text"))
    chunks = await received(first, second)
    assert [chunk.after.kind for chunk in chunks if isinstance(chunk, chain.Attempt) and chunk.after] == ["empty"] * 2
    assert chunks[-1] == Finished("stop")


async def test_when_all_fail_the_last_error_is_raised():
    with pytest.raises(LLMError, match="away"):
        await received(Scripted([AWAY]), Scripted([AWAY]))
    with pytest.raises(LLMError, match="no provider"):
        await received()


async def test_stopping_closes_the_provider():
    provider = Scripted(["half", Pause(60)])
    stream = chain.stream([provider], PROMPT, (), Options())
    assert [await anext(stream), await anext(stream)][1] == TextDelta("half")
    await stream.aclose()
    assert provider.closed == 1


async def test_cancelling_closes_the_provider():
    provider = Scripted([Pause(60)])
    task = asyncio.create_task(received(provider))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert provider.closed == 1
