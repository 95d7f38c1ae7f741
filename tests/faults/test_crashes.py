"""`kill -9` of any process while replies stream and documents are read: nothing is lost, nothing is half."""

import asyncio
import contextlib
import json
import re
import threading
import time

import psycopg

from tests.faults.customer import BROKEN, Customer, problems
from tests.faults.stage import LONG, QUESTION, tell

VICTIMS = ("worker", "postgres", "web", "nursery", "postmaster", "other web")
KILLS, STREAMS = (50, 6) if LONG else (5, 5)
REPLY_PATIENCE = 120.0  # seconds for a reply to end after a crash, restarts included
DOCUMENT_PATIENCE = 240.0  # seconds; a dead worker's job is found after 30 s, by a look every 20 s
HANDBOOKS, RULES = 3, 60


def write_handbook(folder, number):
    """Edition `number` of one of the handbooks: a later edition takes the place of an earlier one."""
    path = folder / f"handbook-{number % HANDBOOKS}.md"
    rules = (
        f"## Rule {rule}\n\nThis is rule {rule} of edition {number}: a lantern that is stored for {rule} weeks is to "
        f"be charged for {rule + 30} minutes before it is lit, and its glass is to be wiped {rule % 7} times."
        for rule in range(RULES)
    )
    path.write_text(f"# Handbook {number % HANDBOOKS}\n\n" + "\n\n".join(rules))
    return path


def live_handbooks(stage):
    """What answers could cite of each live handbook: state of its version, passages, vectors, all of its text."""
    return stage.query(
        "SELECT d.external_id, v.state, count(c.id), count(x.chunk_id), string_agg(c.text, ' ' ORDER BY c.ordinal) "
        "FROM knowledge_document d JOIN knowledge_documentversion v ON v.id = d.current_id "
        "LEFT JOIN knowledge_chunk c ON c.version_id = v.id LEFT JOIN knowledge_chunkvectors x ON x.chunk_id = c.id "
        "WHERE d.external_id LIKE 'handbook%%' AND d.state = 'live' GROUP BY 1, 2"
    )


def half_documents(rows):
    """The live handbooks that are not whole, or that mix two editions."""
    half = []
    for name, state, chunks, vectors, text in rows:
        found = re.findall(r"This is rule (\d+) of edition (\d+)", text or "")
        whole = {rule for rule, _ in found} == {str(rule) for rule in range(RULES)}
        if state != "live" or not chunks or chunks != vectors or not whole or len({e for _, e in found}) != 1:
            half.append((name, state, chunks, vectors, len(found)))
    return half


class Watch(threading.Thread):
    """Looks all the time whether a document is live that is not whole."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.over, self.half, self.looks = stage, threading.Event(), [], 0

    def run(self):
        while not self.over.wait(0.3):
            with contextlib.suppress(psycopg.OperationalError):
                self.half += half_documents(live_handbooks(self.stage))
                self.looks += 1


def reading(stage):
    return stage.query("SELECT id FROM knowledge_documentversion WHERE state IN ('reading', 'embedding')")


async def answered(stage, customer, client_id):
    """Sees a message through to an answer; a reply that failed is asked for again, as its button does."""
    end = await customer.see_through(client_id, stage.any_base, REPLY_PATIENCE)
    deadline = time.monotonic() + REPLY_PATIENCE
    while end["type"] == "message.failed":
        assert end["retryable"], end
        assert time.monotonic() < deadline, customer.told
        begun = len(customer.seen("run.started"))
        with contextlib.suppress(*BROKEN):
            if not customer.connected:
                await customer.come_back(stage.any_base())
            await customer.send(type="message.retry", message=end["message"])
            await customer.until(lambda _, n=begun: len(customer.seen("run.started")) > n, patience=5)
        await asyncio.sleep(0.5)
        end = await customer.see_through(client_id, stage.any_base, REPLY_PATIENCE)
    return end


async def crash(stage, victim, path):
    """One kill, in the middle of replies and of a document; returns the customers."""
    await asyncio.to_thread(stage.wait_until_well)
    said = await asyncio.to_thread(stage.run, "ingest", "acme", str(path), "--json")
    document = json.loads(said.splitlines()[0])["document"]
    with contextlib.suppress(AssertionError):
        await asyncio.to_thread(stage.wait_until, lambda: reading(stage), 15, "a document is being read")
    customers = [Customer() for _ in range(STREAMS)]
    asked = []
    for customer in customers:
        await customer.connect(stage.any_base())
        asked.append(await customer.ask(QUESTION))
    await asyncio.sleep(stage.chance.uniform(0, 2.0))
    killed = await asyncio.to_thread(stage.kill, victim)
    if victim == "other web":
        await asyncio.to_thread(stage.other.start)
    ends = await asyncio.gather(*(answered(stage, c, i) for c, i in zip(customers, asked, strict=True)))
    failed = sum(len(customer.seen("message.failed")) for customer in customers)
    tell(f"killed {killed}: {len(ends)} answered, {failed} of them asked again")
    for customer in customers:
        await customer.cut()
    return customers, document


async def test_kills_lose_nothing_and_leave_nothing_half(stage, tmp_path):
    watch = Watch(stage)
    watch.start()
    everyone, documents = [], set()
    try:
        for number in range(KILLS):
            customers, document = await crash(stage, VICTIMS[number % len(VICTIMS)], write_handbook(tmp_path, number))
            everyone += customers
            documents.add(document)
        await asyncio.to_thread(stage.wait_until_well)
        await asyncio.to_thread(no_document_is_stuck, stage)
    finally:
        watch.over.set()
        watch.join()
    assert {customer.conversation: found for customer in everyone if (found := problems(customer.frames))} == {}
    assert watch.looks > KILLS
    assert watch.half == []
    rows = live_handbooks(stage)
    assert half_documents(rows) == []
    assert {name for name, *_ in rows} == documents
    nothing_acknowledged_is_lost(stage, everyone)


def no_document_is_stuck(stage):
    """Every version ends, and one that failed says why."""
    working = "SELECT count(*) FROM knowledge_documentversion WHERE state IN ('queued', 'reading', 'embedding')"
    stage.wait_until(lambda: stage.query(working) == [(0,)], DOCUMENT_PATIENCE, "every document ends")
    assert stage.query("SELECT id FROM knowledge_documentversion WHERE state = 'failed' AND error = ''") == []
    jobs = stage.query(
        "SELECT id, status FROM procrastinate_jobs WHERE task_name = 'knowledge.ingest' AND status = 'doing'"
    )
    assert jobs == []


def nothing_acknowledged_is_lost(stage, customers):
    accepted = [frame["message"] for customer in customers for frame in customer.seen("message.accepted")]
    assert len(accepted) == len(set(accepted)) == KILLS * STREAMS
    kept = stage.query("SELECT count(*) FROM chat_message WHERE id = ANY(%s::uuid[]) AND text = %s", accepted, QUESTION)
    assert kept == [(len(accepted),)]
    # A reply that was asked for twice may still be on its way when its customer has gone.
    unfinished = (
        "SELECT m.id, m.state, c.server, now() - m.created_at FROM chat_conversation c "
        "LEFT JOIN chat_message m ON m.conversation_id = c.id AND m.state IN ('queued', 'running') "
        "WHERE m.id IS NOT NULL OR c.server IS NOT NULL"
    )
    stage.wait_until(lambda: stage.query(unfinished) == [], 60, "every reply ends")
    done = "SELECT count(DISTINCT reply_to_id) FROM chat_message WHERE reply_to_id = ANY(%s::uuid[]) AND state = 'done'"
    assert stage.query(done, accepted) == [(len(accepted),)]
