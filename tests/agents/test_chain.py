import asyncio

import pytest

from agents.llm import breaker, chain
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta, Usage
from agents.llm.breaker import Breaker
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


LIMITED = LLMError("slow down", kind="status", retryable=True, status=429, retry_after=0.05)


@pytest.fixture
def watched(monkeypatch):
    """A breaker of the test's own, without a database behind it; returns a provider that it watches."""

    async def away(*arguments):
        raise OSError("no database here")

    monkeypatch.setattr(breaker, "in_thread", away)
    monkeypatch.setattr(breaker, "_shared", Breaker())

    def make(*scripts):
        provider = Scripted(*scripts)
        provider.key = f"key {id(provider)}"
        return provider

    return make


def failures_of(provider):
    return breaker.shared().health(provider.key).failures


async def test_one_more_try_may_help(watched):
    provider = watched([AWAY], says("text"))
    chunks = await received(provider)
    assert chunks[:2] == [chain.Attempt(provider, None), chain.Attempt(provider, AWAY, again=True)]
    assert chunks[-1] == Finished("stop")
    assert failures_of(provider) == 0


@pytest.mark.parametrize(
    "failure",
    [
        LLMError("wrong key", kind="status", retryable=False, status=401),
        LLMError("later", kind="status", retryable=True, status=429, retry_after=chain.RETRY_AFTER_LIMIT + 1),
    ],
)
async def test_what_will_not_help_is_not_tried(watched, failure):
    first, second = watched([failure]), watched(says("text"))
    await received(first, second)
    assert (len(first.calls), len(second.calls)) == (1, 1)


async def test_a_short_wait_is_kept(watched):
    provider = watched([LIMITED], says("text"))
    began = asyncio.get_running_loop().time()
    assert (await received(provider))[-1] == Finished("stop")
    assert asyncio.get_running_loop().time() - began >= LIMITED.retry_after
    assert not breaker.shared().health(provider.key).is_open  # the second try was the probe


async def test_a_slow_failure_is_not_waited_for_twice(watched, monkeypatch):
    monkeypatch.setattr(chain, "QUICK", 0.05)
    first, second = watched([Pause(0.1), AWAY]), watched(says("text"))
    await received(first, second)
    assert len(first.calls) == 1


async def test_what_fails_again_and_again_is_left_alone(watched):
    first, second = watched([AWAY]), watched(says("text"))
    for _ in range(3):
        chunks = await received(first, second)
    assert len(first.calls) == 3
    assert [chunk.after.kind for chunk in chunks if isinstance(chunk, chain.Attempt)] == ["breaker"]
    with pytest.raises(LLMError, match="left alone"):
        await received(first)


async def test_a_cut_answer_counts_as_a_failure_and_a_whole_one_as_none(watched):
    provider = watched(["half"], says("whole"))
    await received(provider)
    assert failures_of(provider) == 1
    await received(provider)
    assert failures_of(provider) == 0


async def test_a_customer_who_stops_blames_nobody(watched):
    provider = watched(["half", Pause(60)])
    stream = chain.stream([provider], PROMPT, (), Options())
    await anext(stream)
    await stream.aclose()
    assert failures_of(provider) == 0


async def test_who_got_no_time_is_not_blamed(watched):
    loop = asyncio.get_running_loop()
    provider = watched([Pause(0.05), LLMError("late", kind="first_content", retryable=True)])
    with pytest.raises(LLMError, match="late"):
        async for _ in chain.stream([provider], PROMPT, (), Options(deadline=loop.time() + 0.02)):
            pass
    assert failures_of(provider) == 0


async def test_a_spent_budget_is_not_the_providers_fault(watched):
    provider = watched([LLMError("spent", kind="budget", retryable=False)])
    with pytest.raises(LLMError, match="spent"):
        await received(provider)
    assert failures_of(provider) == 0


async def test_endless_text_ends(watched):
    provider = watched(["word " * 1000] * 1000)
    chunks = [chunk async for chunk in chain.stream([provider], PROMPT, (), Options(max_tokens=250))]
    assert sum(len(chunk.text) for chunk in chunks if isinstance(chunk, TextDelta)) == 250 * chain.LONGEST_TOKEN
    assert chunks[-1] == Finished("length")


@pytest.mark.parametrize("script", [[" ", "\n", Finished("stop")], ["x" * 50_000, Finished("stop")]])
async def test_blank_text_and_a_token_without_an_end_are_no_answers(watched, script):
    with pytest.raises(LLMError):
        await received(watched(script))
