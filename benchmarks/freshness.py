"""Measures how soon two web processes know what has changed: documents that come, go, and change by the thousand.

    python -m benchmarks.freshness [--data ../shared/data] [--work FOLDER] [--chunks 100000] [--rounds 10]

One tenant of copied chunks (`benchmarks.copied_chunks`), two web processes on one database, customers on sockets. After
each change both are asked at once, then again. Bars: what is gone is never cited, the first question included; what is
new is cited by the answer to a question that is asked when it is live, in both processes. Before that, what a search
takes while PostgreSQL serves alone: by vectors, and by words where none can be had.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.serving import ROOT, customer, free_port, percentile, wait_until_ready

TENANT = "freshness"
MANY = 1_000  # documents that change at once


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without writing again")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--asked", type=int, default=40, help="questions while PostgreSQL serves alone")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-freshness-")))
        work.mkdir(parents=True, exist_ok=True)
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready, migrate

        stack.enter_context(database_ready())
        migrate()
        write(options.data / "retrieval" / "squad", work, options.chunks)
        alone(options.data / "retrieval" / "squad", options.asked)
        bases = [stack.enter_context(web(work)) for _ in range(2)]
        met = asyncio.run(measure(bases, options.rounds))
    sys.exit(not met)


@contextlib.contextmanager
def web(work: Path) -> Iterator[str]:
    """A web process; its address."""
    port = free_port()
    log = work / f"web-{port}.log"
    command = [sys.executable, "-m", "project.web", "--verbosity", "0", "-b", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "project.asgi:application"], cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log, time.monotonic())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def write(folder: Path, work: Path, chunks: int) -> None:
    from benchmarks.copied_chunks import copy_chunks, ingest_base, read_base
    from knowledge.models import KnowledgeState
    from knowledge.queries import today
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from tenants.services import create_tenant

    if Tenant.objects.filter(slug=TENANT).exists():
        set_archived(archived=False)  # as a measurement before may have left them
        return
    base, tenant, started = ingest_base(folder), create_tenant(slug=TENANT), time.monotonic()
    copy_chunks(work, read_base(work, base), {tenant.pk: chunks})
    with tenant_scope(tenant.pk):
        KnowledgeState.objects.create(tenant_id=tenant.pk, version=1, day=today())
    print(f"{chunks:,} chunks written in {time.monotonic() - started:.0f} s")


def alone(folder: Path, count: int) -> None:
    """Prints what questions take without a replica."""
    from django.conf import settings

    from knowledge.indexes.pgvector import worded_snapshot
    from knowledge.retrieval.search import search
    from tenants.scope import tenant_scope

    settings.ASKWELL_INDEX = "pgvector"  # of this process
    tenant = tenant_id()

    def by_words(text: str) -> None:
        with tenant_scope(tenant):
            worded_snapshot(text)

    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines[:: max(len(lines) // count, 1)][:count]]
    for name, ask_for in (("vectors", partial(search, tenant)), ("words alone", by_words)):
        ask_for(texts[0])
        spent = [timed(ask_for, text) for text in texts]
        print(f"PostgreSQL by {name}: p50 {percentile(spent, 0.5):.0f} ms, p95 {percentile(spent, 0.95):.0f} ms")


def timed(function: Callable[[str], Any], text: str) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    function(text)
    return (time.perf_counter() - started) * 1000


async def measure(bases: list[str], rounds: int) -> bool:
    async with customer(bases[0], TENANT) as one, customer(bases[1], TENANT) as other:
        people = [one, other]
        await settle(people)
        quiet = [turn.total * 1000 for _ in range(10) for turn in await ask(people, "Who won the game of the year?")]
        print(f"nothing changes: a whole reply takes {percentile(quiet, 0.5):.0f} ms")
        misses = 0
        for name, change in (("one document comes", one_comes), ("…with 1,000 others changed", many_change)):
            misses += await watch(people, name, change, rounds if change is one_comes else 3)
    print(f"\nwrong answers in all: {misses} (bar 0)")
    return misses == 0


async def settle(people: list[Any]) -> None:
    """Returns once both have loaded the tenant, as far as the time of a reply tells."""
    started = time.monotonic()
    while time.monotonic() - started < 400:
        turns = await ask(people, f"What is written of {time.monotonic_ns()}?")
        if max(turn.total for turn in turns) < 0.4:
            break
        await asyncio.sleep(2)
    print(f"both processes are warm after {time.monotonic() - started:.0f} s")


async def ask(people: list[Any], text: str) -> list[Any]:
    return list(await asyncio.gather(*(person.ask(text) for person in people)))


async def watch(people: list[Any], name: str, change: Callable[[int], str], rounds: int) -> int:
    """Prints how questions fared right after the change, and right after it was taken back; returns the wrong ones."""
    missed = stayed = 0
    spent: list[float] = []
    for n in range(rounds):
        word = await asyncio.to_thread(change, n)
        for _ in range(2):
            turns = await ask(people, f"What is the {word} for?")
            missed += sum(not cites(turn, word) for turn in turns)
            spent += [turn.total * 1000 for turn in turns]
        await asyncio.to_thread(goes, word)
        for _ in range(2):
            stayed += sum(cites(turn, word) for turn in await ask(people, f"What is the {word} for?"))
    count = 4 * rounds
    print(
        f"{name}: not found {missed} of {count}, cited when gone {stayed} of {count};"
        f" reply p50 {percentile(spent, 0.5):.0f} ms, largest {max(spent):.0f} ms"
    )
    return missed + stayed


def cites(turn: Any, word: str) -> bool:
    return any(word in citation["document"] for citation in turn.end.get("citations", []))


def tenant_id() -> int:
    from tenants.models import Tenant

    return int(Tenant.objects.get(slug=TENANT).pk)


def one_comes(n: int) -> str:
    """A document goes live; its word."""
    from knowledge.loading import load
    from knowledge.sources import NewDocument

    word = f"quindle{time.monotonic_ns() % 10**9}x{n}"
    text = f"The {word} is for lamps. It cuts wicks and trims them. A {word} is kept dry."
    item = NewDocument(external_id=word, title=f"The {word}", text=text)
    for loaded in load(tenant_id(), [item], actor="benchmark", wait=True):
        assert loaded.state == "live", loaded
    return word


def many_change(n: int) -> str:
    """A thousand documents are archived, or restored, just before one goes live."""
    set_archived(archived=n % 2 == 0)
    return one_comes(n)


def set_archived(*, archived: bool) -> None:
    """Archives or restores the thousand."""
    from knowledge import services
    from knowledge.models import Document
    from tenants.scope import tenant_scope

    with tenant_scope(tenant_id()):
        some = list(Document.objects.filter(external_id__startswith="d").order_by("pk")[:MANY])
        (services.archive if archived else services.restore)(some, actor="benchmark")


def goes(word: str) -> None:
    from knowledge import services
    from knowledge.models import Document
    from tenants.scope import tenant_scope

    with tenant_scope(tenant_id()):
        services.delete(Document.objects.filter(external_id=word), actor="benchmark")


if __name__ == "__main__":
    main()
