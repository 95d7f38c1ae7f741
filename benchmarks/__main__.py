"""`make bench`: every measurement, one after the other. Each also runs alone: `python -m benchmarks.chat --help`."""

import argparse
import subprocess
import sys

MEASUREMENTS = [
    "embedder",
    "ingestion",
    "retrieval",
    "tenants_zipf",
    "freshness",
    "refusal",
    "index_sizes",
    "compression",
    "documents",
    "kinds",
    "memory",
    "chat",
    "sockets",
    "model_layer",
    "catalogue",
    "intents",
    "entities",
    "orders",
    "order_questions",
    "retail_services",
    "retail",
    "confirmation",
    "obedience",
    "injection",
    "grounding",
    "confidence",
    "costs",
    "pii",
    "cache",
]

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("only", nargs="*", choices=[*MEASUREMENTS, []], help="leave out for all of them")
failed = []
for name in parser.parse_args().only or MEASUREMENTS:
    print(f"\n== {name}", flush=True)
    if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
        failed.append(name)
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
