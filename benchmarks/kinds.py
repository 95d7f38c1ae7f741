"""Asks for what is not prose: cells of long tables, functions by the words in their names, answers of a list.

    python -m benchmarks.kinds [--work FOLDER] [--rows 400] [--questions 60]

Everything is made up here, from a committed seed: a price list of many rows as CSV, a reference of functions as
Markdown, and a sheet of questions. Without a model. Bars: the first answer holds the cell for 90 % of the questions
about cells; the function is among the first three passages for 95 %; the answer is quoted for 95 %.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.refusal import ask_all

SEED = 20260
BARS = {"cells": 0.90, "functions": 0.95, "answers": 0.95}
MATERIALS = ("oak", "steel", "glass", "bamboo", "marble", "copper", "walnut", "granite", "linen", "ceramic")
THINGS = ("table", "shelf", "lamp", "bench", "cabinet", "mirror", "stool", "desk", "planter", "rack")
COLUMNS = {
    "Price": ("What does the {} cost?", "{} €"),
    "Weight": ("What is the weight of the {}?", "{} kg"),
    "Delivery time": ("What is the delivery time of the {}?", "{} days"),
    "Stock": ("How many of the {} are in stock?", "{} pieces"),
    "Warranty": ("How long is the warranty of the {}?", "{} months"),
}
VERBS = ("get", "create", "delete", "refresh", "export", "validate")
NOUNS = ("user name", "session token", "invoice line", "shipping label", "refund request", "api key", "audit log")
TOPICS = {
    "Can I change the delivery address after ordering?": "As long as the parcel is not packed, under Orders.",
    "Do you ship to the Canary Islands?": "We do, within nine working days and with customs papers.",
    "Which payment methods do you take?": "Cards, bank transfer, and invoices for companies.",
    "How do I cancel my membership?": "In the settings, at the latest a week before it renews.",
    "Is assembly included?": "Only for cabinets and desks; everything else comes with instructions.",
    "Where do I find my invoice?": "It is attached to the mail that confirms the dispatch.",
    "Can a child use the ladder?": "No child under fourteen may climb it.",
    "What happens to the old furniture?": "Our drivers take it along for recycling at no charge.",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--verbose", action="store_true", help="prints what went wrong")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-kinds-")))
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        dice = random.Random(SEED)
        rows = price_list(options.rows, dice)
        tenant = prepared({"prices.csv": as_csv(rows), "reference.md": functions(), "faq.csv": sheet()})
        shares = {
            "cells": ask_cells(tenant, rows, options.questions, dice, verbose=options.verbose),
            "functions": find_functions(tenant),
            "answers": ask_sheet(tenant, verbose=options.verbose),
        }
    for name, share in shares.items():
        print(f"{name:<10} {share:.1%}   bar {BARS[name]:.0%}")
    sys.exit(any(share < BARS[name] for name, share in shares.items()))


def price_list(count: int, dice: random.Random) -> dict[str, dict[str, str]]:
    """Column to cell, by the row's name."""
    names = [
        f"{material} {thing} {number}" for number in range(10, 100, 10) for material in MATERIALS for thing in THINGS
    ]
    return {
        name.capitalize(): {column: form.format(dice.randint(2, 990)) for column, (_, form) in COLUMNS.items()}
        for name in dice.sample(names, min(count, len(names)))
    }


def as_csv(rows: dict[str, dict[str, str]]) -> str:
    lines = [";".join(["Article", *COLUMNS]), *(";".join([name, *cells.values()]) for name, cells in rows.items())]
    return "\n".join(lines)


def functions() -> str:
    parts = []
    for verb in VERBS:
        for noun in NOUNS:
            name = verb + "".join(word.capitalize() for word in noun.split())
            parts.append(f"```js\nexport function {name}(id) {{\n  return call('{verb}', id);\n}}\n```")
    return "# Reference\n\n" + "\n\n".join(parts)


def sheet() -> str:
    return "\n".join(["Question;Answer", *(f'"{question}";"{answer}"' for question, answer in TOPICS.items())])


def prepared(files: dict[str, str]) -> Any:
    from knowledge.loading import load
    from knowledge.sources import NewDocument
    from tenants.models import Tenant
    from tenants.services import create_tenant

    tenant = Tenant.objects.filter(slug="kinds").first() or create_tenant(slug="kinds", name="Kinds")
    items = (NewDocument(external_id=name, filename=name, data=text.encode()) for name, text in files.items())
    for loaded in load(tenant.pk, items, actor="benchmark", wait=True):
        if loaded.state not in {"live", "unchanged"}:
            sys.exit(f"{loaded.document}: {loaded.error}")
    return tenant


def ask_cells(tenant: Any, rows: dict[str, dict[str, str]], count: int, dice: random.Random, *, verbose: bool) -> float:
    asked = [(name, dice.choice(list(COLUMNS))) for name in dice.sample(list(rows), min(count, len(rows)))]
    questions = [COLUMNS[column][0].format(name.lower()) for name, column in asked]
    answers = ask_all(tenant, [(question,) for question in questions])
    wanted = [f"{column}: {rows[name][column]}" for name, column in asked]
    return share_held(questions, answers, wanted, verbose=verbose)


def ask_sheet(tenant: Any, *, verbose: bool) -> float:
    answers = ask_all(tenant, [(question,) for question in TOPICS])
    return share_held(list(TOPICS), answers, list(TOPICS.values()), verbose=verbose)


def share_held(questions: list[str], answers: list[Any], wanted: list[str], *, verbose: bool) -> float:
    held = [text in answer.text for text, answer in zip(wanted, answers, strict=True)]
    for question, answer, text, right in zip(questions, answers, wanted, held, strict=True):
        if verbose and not right:
            print(f"{question} -> {text}\n    {answer.text}")
    return sum(held) / len(held)


def find_functions(tenant: Any) -> float:
    from knowledge.retrieval.search import search

    found = 0
    for verb in VERBS:
        for noun in NOUNS:
            name = verb + "".join(word.capitalize() for word in noun.split())
            found += any(
                f"function {name}(" in passage.text for passage in search(tenant.pk, f"{verb} {noun}", k=3).passages
            )
    return found / (len(VERBS) * len(NOUNS))


if __name__ == "__main__":
    main()
