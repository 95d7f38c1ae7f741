"""How much personal data is found in labelled text, and how much else is taken for it.

    python -m benchmarks.pii [--data ../shared/data] [--verbose]

The folder holds pii/labelled.jsonl; `benchmarks/data/pii_fresh.jsonl` is beside it, support-chat sentences in four
languages with numbers of orders, parcels and devices between them. A span counts as found when it has the same type and
the same letters and digits as the labelled one. Bars: recall .95 and precision .90 over the types named, on both.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from agents.guardrails import pii

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent / "data"
TYPES = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn",
    "NATIONAL_ID": "national_id",
}  # fmt: skip
NAMED = ("email", "phone", "card", "iban", "ssn")
RECALL, PRECISION = 0.95, 0.90


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--verbose", action="store_true", help="prints what went wrong")
    options = parser.parse_args()
    sets = {"data/pii": options.data / "pii" / "labelled.jsonl", "fresh": HERE / "pii_fresh.jsonl"}
    met = [measure(name, path, options.verbose) for name, path in sets.items()]
    sys.exit(0 if all(met) else 1)


def measure(name: str, path: Path, verbose: bool) -> bool:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    hits: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    started = time.process_time()
    found = [pii.find(row["full_text"]) for row in rows]
    spent = time.process_time() - started
    for row, spans in zip(rows, found, strict=True):
        text = row["full_text"]
        gold = Counter(
            (TYPES[s["entity_type"]], bare(s["entity_value"])) for s in row["spans"] if s["entity_type"] in TYPES
        )
        got = Counter((span.kind, bare(text[span.start : span.end])) for span in spans)
        for counter, difference in ((hits, gold & got), (missed, gold - got), (wrong, got - gold)):
            counter.update(kind for kind, _ in difference.elements())
        if verbose and gold != got:
            print(f"  missed {dict(gold - got)} wrong {dict(got - gold)} in {text!r}")
    print(f"{name}: {len(rows)} texts, {spent / len(rows) * 1e6:.0f} µs of a processor each")
    for kind in (*NAMED, "national_id"):
        if hits[kind] + missed[kind] + wrong[kind]:
            print(line(kind, hits[kind], missed[kind], wrong[kind]))
    total = [sum(counter[kind] for kind in NAMED) for counter in (hits, missed, wrong)]
    print(line("named types", *total))
    return share(total[0], total[1]) >= RECALL and share(total[0], total[2]) >= PRECISION


def bare(written: str) -> str:
    return "".join(filter(str.isalnum, written)).lower()


def line(name: str, hits: int, missed: int, wrong: int) -> str:
    return f"  {name:12} n={hits + missed:4} recall {share(hits, missed):.3f} precision {share(hits, wrong):.3f}"


def share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 1.0


if __name__ == "__main__":
    main()
