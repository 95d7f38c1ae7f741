from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from knowledge.embedding.base import EmbedderError
from knowledge.evaluation import EvaluationError, read_queries
from knowledge.indexes.replica import replicas
from knowledge.retrieval.filters import FIELDS
from knowledge.retrieval.search import Filters, SearchResult, search
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant

MAX_HITS = 100
SHOWN = 160  # characters of a passage


class Command(TenantCommand):
    help = "Ranks the passages of a tenant's documents for a query, or for each of a file of queries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("query", metavar="QUERY", nargs="?")
        parser.add_argument("--queries", metavar="FILE.jsonl", type=Path, help="{id, text}, one a line")
        for name in FIELDS:
            parser.add_argument(f"--{name}", default="", help=f"only documents of this {name}")
        parser.add_argument("--customers", action="store_true", help="only documents that the chat answers from")
        parser.add_argument("--k", type=int, default=10, help=f"passages to show, 1 to {MAX_HITS}")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if not 1 <= options["k"] <= MAX_HITS:
            raise CommandError(f"--k must be from 1 to {MAX_HITS}.")
        try:
            queries = list(self._queries(options))
            filters = Filters(**{name: options[name] for name in FIELDS}, customers=options["customers"])
            replicas.load(tenant.pk)  # so that the first query is served as all the others
            for query_id, text in queries:
                self._show(query_id, search(tenant.pk, text, k=options["k"], filters=filters))
        except (EvaluationError, EmbedderError) as error:
            raise CommandError(str(error)) from error

    def _queries(self, options: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
        if (options["query"] is None) == (options["queries"] is None):
            raise CommandError("Give a query, or a file of them with --queries.")
        if options["query"] is not None:
            yield None, options["query"]
        else:
            yield from read_queries(options["queries"]).items()

    def _show(self, query_id: str | None, result: SearchResult) -> None:
        hits = [
            {
                "document": passage.document,
                "title": passage.title,
                "chunk": passage.chunk,
                "score": round(passage.score, 6),
                "span": [passage.start, passage.end],
            }
            for passage in result.passages
        ]
        value: dict[str, Any] = {"query": result.query, "hits": hits, "ms": round(result.ms, 3), "index": result.index}
        if result.corrected:
            value["corrected"] = result.corrected
        if result.parts:
            value["parts"] = [part.text for part in result.parts]
        if result.curated:
            value["curated"] = result.curated.answer
        if result.note:
            value["note"] = result.note
        self.say(value if query_id is None else {"id": query_id, **value}, page(result))


def page(result: SearchResult) -> str:
    """A result for people."""
    lines = [f"{result.query}  ({len(result.passages)} passages, {result.ms:.1f} ms, {result.index})"]
    for place, passage in enumerate(result.passages, 1):
        heading = " > ".join((passage.title or passage.document, *passage.heading_path))
        text = " ".join(passage.text.split())
        text = f"{text[:SHOWN]}…" if len(text) > SHOWN else text
        lines.append(f"{place:>3}. {passage.score:.3f}  {heading}\n     {text}")
    return "\n".join(lines)
