"""Streams cut at random points and resumed on the same or another web process: not a byte is lost, none comes twice."""

import asyncio
import random

from tests.faults.customer import Customer, problems
from tests.faults.stage import ANSWER, LONG, QUESTION, SEED, tell

STREAMS, AT_ONCE, MOST_CUTS = (2000, 40, 4) if LONG else (60, 20, 3)
LONGEST_READ = 2.5  # seconds between two cuts; a whole reply takes about as long


async def read_a_while(customer, chance):
    """Reads for a while: from no time at all, before the message is acknowledged, to the end of the reply."""
    await asyncio.sleep(chance.choice((0.0, 0.02, chance.uniform(0, LONGEST_READ), chance.uniform(0, LONGEST_READ))))
    await customer.cut(rudely=chance.random() < 0.5)


async def one_stream(stage, number, room):
    chance = random.Random(SEED * 1_000_003 + number)
    customer = Customer()
    async with room, customer:
        await customer.connect(chance.choice(stage.bases))
        client_id = await customer.ask(QUESTION)
        for _ in range(chance.randint(1, MOST_CUTS)):
            await read_a_while(customer, chance)
            await customer.come_back(chance.choice(stage.bases))
        return customer, await customer.see_through(client_id, lambda: chance.choice(stage.bases), 120)


async def test_streams_that_are_cut_come_back_whole(stage):
    room = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one_stream(stage, number, room)) for number in range(STREAMS)]
    results = [task.result() for task in tasks]
    broken = {number: found for number, (customer, _) in enumerate(results) if (found := problems(customer.frames))}
    assert broken == {}
    assert [end["text"] for _, end in results] == [ANSWER] * STREAMS
    kinds = {frame["type"] for customer, _ in results for frame in customer.frames}
    assert not kinds & {"frames.skipped", "message.reset", "message.failed", "error"}
    cuts = sum(customer.cuts for customer, _ in results)
    tell(f"{STREAMS} streams, {cuts} cuts, {sum(len(c.raw) for c, _ in results)} frames")
    await the_log_tells_the_same(stage, [customer for customer, _ in results[:: max(1, STREAMS // 20)]])
    kept = stage.query(
        "SELECT count(*), count(DISTINCT reply_to_id), count(*) FILTER (WHERE state = 'done' AND text = %s) "
        "FROM chat_message WHERE role = 'assistant' AND conversation_id = ANY(%s::uuid[])",
        ANSWER, [customer.conversation for customer, _ in results],
    )  # fmt: skip
    assert kept == [(STREAMS, STREAMS, STREAMS)]


async def the_log_tells_the_same(stage, customers):
    """A reader who comes later, to any process, gets the very same bytes."""
    for customer, base in zip(customers, stage.bases * len(customers), strict=False):
        before, customer.raw = customer.raw, {}
        at, last = len(customer.frames), max(before)
        await customer.connect(base)
        await customer.resume(after=0)
        await customer.until(lambda frame, last=last: frame.get("seq") == last, since=at)
        await customer.cut()
        assert customer.raw == before


async def test_a_second_window_sees_the_same_frames(stage):
    async with Customer() as one, Customer() as two:
        await one.connect(stage.bases[0])
        client_id = await one.ask(QUESTION)
        await one.until(lambda frame: frame["type"] == "message.delta")
        two.visitor, two.conversation = one.visitor, one.conversation
        await two.connect(stage.bases[1])
        await two.resume(after=0)
        await one.until(lambda _: one.end_of(client_id))
        await two.until(lambda _: two.end_of(client_id))
    assert one.raw == two.raw
    assert problems(one.frames) == problems(two.frames) == []


async def test_a_reload_while_a_reply_runs_goes_on_where_the_page_says(stage):
    """The page knows frames only by its `data-after`; what the socket brings from there on joins up with it."""
    async with Customer() as customer:
        await customer.connect(stage.bases[0])
        client_id = await customer.ask(QUESTION)
        await customer.until(lambda frame: frame["type"] == "message.delta")
    [(after,)] = stage.query("SELECT seq - 1 FROM chat_message WHERE reply_to_id = %s", customer.question(client_id))
    async with Customer() as reloaded:
        reloaded.visitor, reloaded.conversation = customer.visitor, customer.conversation
        await reloaded.connect(stage.bases[1])
        await reloaded.resume(after=after)
        done = await reloaded.until(lambda frame: frame["type"] == "message.done")
    assert "".join(frame["text"] for frame in reloaded.seen("message.delta")) == done["text"] == ANSWER
