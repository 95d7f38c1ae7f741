"""Asks the agent, without a model, questions its documents cannot answer, and the demo's own; prints how it decides.

    python -m benchmarks.refusal [--data ../shared/data] [--work FOLDER] [--questions 500]

Bars: of SQuAD questions asked of the banking articles 95 % are refused; of the demo's questions 95 % are answered.
Beside it: how many of those answers hold an expected string, and how many follow-ups are understood.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "project" / "demo"
REFUSED_BAR = ANSWERED_BAR = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument("--questions", type=int, default=500, help="SQuAD questions to ask")
    parser.add_argument("--verbose", action="store_true", help="prints what went wrong")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-refusal-")))
        os.environ |= {"ASKWELL_DATA": str(work), "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = measure_demo(options.verbose)
        if (options.data / "retrieval").is_dir():
            met &= measure_refusal(options.data / "retrieval", options.questions, options.verbose)
        else:
            print(f"There is no folder {options.data}: questions from outside are not measured.")
    sys.exit(0 if met else 1)


def measure_demo(verbose: bool) -> bool:
    from project.demo import seed
    from tenants.models import Tenant

    seed.seed_once(report=print)
    tenant = Tenant.objects.get(slug="techpro")
    rows = list(read_rows(DEMO / "questions.jsonl"))
    answers = ask_all(tenant, [(row["text"],) for row in rows])
    answered = sum(answer.known for answer in answers)
    held = [holds(answer, row) for answer, row in zip(answers, rows, strict=True)]
    print(f"demo: {answered} of {len(rows)} questions answered ({answered / len(rows):.1%}, bar {ANSWERED_BAR:.0%})")
    print(f"      {sum(held)} with an expected string ({sum(held) / len(rows):.1%})")
    followups = list(read_rows(DEMO / "followups.jsonl"))
    second = ask_all(tenant, [(row["first"], row["second"]) for row in followups])
    understood = [holds(answer, row) for answer, row in zip(second, followups, strict=True)]
    print(f"      {sum(understood)} of {len(followups)} follow-ups with an expected string")
    if verbose:
        print_misses(
            itertools.chain(zip(rows, answers, held, strict=True), zip(followups, second, understood, strict=True))
        )
    return answered >= ANSWERED_BAR * len(rows)


def measure_refusal(folder: Path, count: int, verbose: bool) -> bool:
    from knowledge.loading import load
    from knowledge.sources import from_path
    from tenants.models import Tenant
    from tenants.services import create_tenant

    tenant = Tenant.objects.filter(slug="banking").first()
    if tenant is None:
        tenant = create_tenant(slug="banking", name="Bank")
        started = time.perf_counter()
        total = sum(1 for _ in load(tenant.pk, from_path(folder / "banking" / "documents.jsonl"), actor="x", wait=True))
        print(f"banking: {total} articles read in {time.perf_counter() - started:.0f} s")
    questions = [(row["text"],) for row in itertools.islice(read_rows(folder / "squad" / "queries.jsonl"), count)]
    answers = ask_all(tenant, questions)
    refused = sum(not answer.known for answer in answers)
    share = refused / len(answers)
    print(f"SQuAD against banking: {refused} of {len(answers)} refused ({share:.1%}, bar {REFUSED_BAR:.0%})")
    if verbose:
        for (question,), answer in zip(questions, answers, strict=True):
            if answer.known:
                print(f"  {answer.trace.get('answerability')} {question}")
    return refused >= REFUSED_BAR * len(answers)


def ask_all(tenant: Any, conversations: Iterable[tuple[str, ...]]) -> list[Any]:
    """The last answer of each conversation."""
    return asyncio.run(_ask_all(tenant, conversations))


async def _ask_all(tenant: Any, conversations: Iterable[tuple[str, ...]]) -> list[Any]:
    return [await last_answer(tenant, questions) for questions in conversations]


async def last_answer(tenant: Any, questions: tuple[str, ...]) -> Any:
    from agents.context import PastMessage, Turn
    from agents.events import Answer, Finished
    from agents.runner import Services, run

    history: list[PastMessage] = []
    answer, conversation = Answer(""), str(uuid.uuid4())
    for question in questions:
        turn = Turn(tenant.pk, tenant.name, "en", conversation, question, tuple(history), answer.summary)
        async for event in run(turn, Services(providers=list)):
            if isinstance(event, Finished):
                answer = event.answer
        history += [PastMessage("customer", question), PastMessage("assistant", answer.text)]
    return answer


def holds(answer: Any, row: dict[str, Any]) -> bool:
    return any(expected.lower() in answer.text.lower() for expected in row["answer"])


def print_misses(judged: Iterable[tuple[dict[str, Any], Any, bool]]) -> None:
    for row, answer, right in judged:
        if not right:
            trace = answer.trace
            places = [(p["document"], p["heading"][-1:], p["score"]) for p in trace.get("passages", ())[:3]]
            print(f"\n{row['id']} {trace.get('rewritten')} -> {row['answer']} ({trace.get('answerability')}) {places}")
            print("   ", answer.text.replace("\n", "\n    "))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
