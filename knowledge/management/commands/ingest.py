import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from knowledge.loading import Loaded, load
from knowledge.sources import from_path
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Adds documents: files, folders, or .jsonl of {id, title, text, metadata}. The same id again is a new version."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", metavar="PATH", nargs="+", type=Path)
        parser.add_argument(
            "--wait", action="store_true", help="read them here and now instead of leaving it to a worker"
        )

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        started = time.monotonic()
        states: Counter[str] = Counter()
        duplicates = 0
        items = chain.from_iterable(map(from_path, options["paths"]))
        for loaded in load(tenant.pk, items, actor="command", wait=options["wait"]):
            states[loaded.state] += 1
            duplicates += bool(loaded.duplicates)
            self.say(asdict(loaded), line(loaded))
        seconds = round(time.monotonic() - started, 2)
        summary = {"documents": states.total(), **states, "duplicates": duplicates, "seconds": seconds}
        counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "nothing to add"
        self.say({"summary": summary}, f"{states.total()} documents: {counts} ({seconds:.1f} s)")


def line(loaded: Loaded) -> str:
    """A document's line for people."""
    parts = [f"{loaded.state:<9} {loaded.document}"]
    if loaded.chunks:
        parts.append(f"({loaded.chunks} passages)")
    if loaded.error:
        parts.append(f"- {loaded.error}")
    if loaded.duplicates:
        parts.append(f"- the same as {', '.join(loaded.duplicates[:3])}")
    return " ".join(parts)
