"""What the cost page says against what a provider's own log says, and a hundred turns at once on the last cent.

    python -m benchmarks.costs [--turns 200] [--at-once 20]

Turns go through the whole runner to the scripted server in the same process, in a database of their own: ordinary ones,
others whose provider fails, refuses, breaks off or ends without a reason, and customers who leave. Bars: the page's
total equals the log's to the cent, and exactly where the server told its count; the budget is overrun by one turn at
most.
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
import uuid
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

PRICES = {"small": (Decimal("0.40"), Decimal("1.60")), "stand-in": (Decimal("2.50"), Decimal(10))}
FAULTS = ("error", "cut", "leave", "unfinished", "refuse")
MIX = tuple(kind for fault in FAULTS for kind in ("normal", "normal", "normal", fault))
PASSAGE = "The battery of the X1 lasts up to 12 hours. It charges in two hours."
ANSWER = "The battery of the X1 lasts up to 12 hours [1]. It charges in two hours [1]."
QUESTION = "How long does the battery of the X1 last?"
CENT = Decimal("0.01")
LAST = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="askwell-costs-") as scratch:
        Path(scratch).chmod(0o755)
        os.environ |= {"ASKWELL_DATA": scratch, "DJANGO_SETTINGS_MODULE": "project.settings", "ASKWELL_DEMO": "0"}
        os.environ["ASKWELL_PRIVATE_MODELS"] = "1"
        from project.database import database_ready

        with database_ready():
            met = asyncio.run(measure(options.turns, options.at_once))
    sys.exit(0 if met else 1)


async def measure(turns: int, at_once: int) -> bool:
    from agents.llm.openai_compatible import close_clients
    from agents.llm.scripted_server import Script, ScriptedServer

    async with ScriptedServer(Script(token_ms=2)) as server:
        server.choose = chosen
        equal = await compare(server, turns, at_once)
        server.requests.clear()
        held = await last_cent(server)
        await close_clients()
    return equal and held


async def compare(server: Any, turns: int, at_once: int) -> bool:
    """Mixed turns; whether the page's total is the log's."""
    from agents import usage
    from agents.llm import ledger
    from agents.models import ModelCall
    from tenants.scope import in_tenant

    tenant = await shop(server.base_url)
    room, started = asyncio.Semaphore(at_once), time.monotonic()

    async def one(kind: str) -> None:
        async with room:
            await answered(tenant, f"{QUESTION} [{kind}]", leave=kind == "leave")

    await asyncio.gather(*(one(kind) for kind in itertools.islice(itertools.cycle(MIX), turns)))
    seconds = time.monotonic() - started
    await ledger.flush()
    await asyncio.sleep(0.5)  # the server notices that customers left
    totals = await in_tenant(tenant, usage.totals, usage.Month.now())
    calls = await in_tenant(tenant, lambda: list(ModelCall.objects.all()))
    told = [entry for entry in server.log if entry.reported]
    exact = sum(call.cost for call in calls if not call.estimated), charged(told)
    log = charged(server.log)
    print(f"{turns} turns in {seconds:.1f} s, {len(server.requests)} requests, {len(calls)} rows")
    print(f"requests whose count the server told: page ${exact[0]:.10f}, log ${exact[1]:.10f}")
    print(
        f"all, {totals.estimated} of them estimated: page ${totals.cost:.10f}, log ${log:.10f}, "
        f"{totals.cost - log:+.10f}"
    )
    same = totals.cost.quantize(CENT) == log.quantize(CENT)
    print(f"to the cent: page ${totals.cost:.2f}, log ${log:.2f}: {'equal' if same else 'DIFFERENT'}")
    return same and exact[0] == exact[1] and len(calls) == len(server.requests)


async def last_cent(server: Any) -> bool:
    """A hundred turns at once with less left than one of them sets aside; whether one turn's cost is the overrun."""
    from agents import budgets, usage
    from agents.llm import ledger
    from agents.models import Budget, Spending
    from tenants.scope import in_tenant

    tenant, before = await shop(server.base_url), Decimal("0.9999")

    def nearly_spent() -> None:
        Budget.objects.create(period="day", amount=1, degrade_percent=100)
        Spending.objects.create(day=usage.today(), amount=before)

    await in_tenant(tenant, nearly_spent)
    started = time.monotonic()
    answers = await asyncio.gather(*(answered(tenant, QUESTION) for _ in range(LAST)))
    seconds = time.monotonic() - started
    await ledger.flush()
    spent = await in_tenant(tenant, budgets.spending)
    by_model = [answer for answer in answers if answer and answer.model in PRICES]
    dearest = await in_tenant(tenant, dearest_turn)
    overrun = spent.day - 1
    print(
        f"{LAST} turns at once on ${1 - before}: {len(by_model)} by a model, the others by the documents, "
        f"{seconds:.1f} s"
    )
    print(
        f"overrun ${max(overrun, Decimal(0)):.10f}, one turn cost ${dearest:.10f}; still set aside ${spent.held:.10f}"
    )
    return all(answer and "12 hours" in answer.text for answer in answers) and overrun <= dearest and not spent.held


def dearest_turn() -> Decimal:
    """What the dearest turn cost with all its requests, also those that came to nothing."""
    from django.db.models import Sum

    from agents.models import ModelCall

    turns = ModelCall.objects.order_by().values("reply").annotate(cost=Sum("cost")).values_list("cost", flat=True)
    return max(turns, default=Decimal(0))


def chosen(request: dict[str, Any]) -> Any:
    """What the first model does, by what the customer wrote; the second one always answers."""
    from agents.llm.scripted_server import Profile, Reply

    said = str(request["messages"][-1]["content"])
    fault = next((kind for kind in FAULTS if kind != "leave" and f"[{kind}]" in said), "normal")
    return Reply(say=ANSWER, profile=Profile(fault if request["model"] == "small" else "normal"))


def charged(log: list[Any]) -> Decimal:
    """What the server's log comes to at the prices."""
    total = Decimal(0)
    for entry in log:
        reads, writes = PRICES[entry.model]
        total += (reads * entry.prompt_tokens + writes * entry.completion_tokens) / 1_000_000
    return total


async def shop(base_url: str) -> int:
    """A new tenant with two models."""
    from agents.models import LanguageModel
    from tenants.scope import in_tenant, in_thread
    from tenants.services import create_tenant

    tenant = await in_thread(create_tenant, slug=f"costs-{uuid.uuid4().hex[:6]}")

    def add_models() -> None:
        for role, name in (("primary", "small"), ("fallback", "stand-in")):
            reads, writes = PRICES[name]
            LanguageModel.objects.create(
                role=role, base_url=base_url, model=name, input_price=reads, output_price=writes
            )

    await in_tenant(tenant.pk, add_models)
    return int(tenant.pk)


async def answered(tenant: int, question: str, *, leave: bool = False) -> Any:
    """The answer of a turn; None where the customer leaves at the first words."""
    from agents.context import Turn
    from agents.events import Delta, Finished
    from agents.runner import run
    from agents.services import Services

    services = Services(search=found, understand=nothing)
    ids = str(uuid.uuid4()), str(uuid.uuid4())
    turn = Turn(tenant, "Costs", "en", ids[0], question, reply=ids[1], actor="visitor 1", eventful=False)
    async with aclosing(run(turn, services)) as events:
        async for event in events:
            if leave and isinstance(event, Delta):
                return None
            if isinstance(event, Finished):
                return event.answer
    return None


async def nothing(_: Any) -> None:
    """No intents are looked for."""


async def found(_: int, query: str) -> Any:
    """The one passage there is."""
    import numpy as np

    from knowledge.embedding.base import TOKEN_WIDTH, QueryEncoding
    from knowledge.retrieval.search import Passage, SearchResult
    from knowledge.sentences import split_sentences

    sentences = tuple(split_sentences(PASSAGE))
    vector = np.full(8, 8**-0.5, np.float32)
    none = np.zeros((0, TOKEN_WIDTH), np.float32)
    passage = Passage(
        chunk=1, document="manual", document_id=1, title="X1 user manual", url="", heading_path=(), page=None,
        text=PASSAGE, start=0, end=len(PASSAGE), score=0.9, scores={"dense": 0.9}, sentences=sentences,
        tokens=np.zeros((0, TOKEN_WIDTH), np.int8), token_ids=np.zeros(0, np.int32),
        token_sentences=np.zeros(0, np.int16), sentence_vectors=np.stack([vector] * len(sentences)), context="",
    )  # fmt: skip
    encoding = QueryEncoding(vector=vector, tokens=none, token_ids=np.zeros(0, np.int32), pieces_per_word=1.2)
    return SearchResult(
        query=query, passages=(passage,), answerability=0.9, index="one", ms=0.1, documents=1, encoding=encoding
    )


if __name__ == "__main__":
    main()
