import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from knowledge.embedding.base import EmbedderError
from knowledge.evaluation import Evaluation, EvaluationError, evaluate, read_judgements, read_queries
from knowledge.indexes.replica import replicas
from knowledge.loading import load
from knowledge.sources import from_path
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant

FINE = {"live", "unchanged", "skipped"}


class Command(TenantCommand):
    help = "Measures retrieval against judgements: recall, precision, MRR and nDCG of documents, and how long it takes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--queries", metavar="FILE", type=Path, required=True, help="JSON Lines of {id, text}")
        parser.add_argument(
            "--qrels", metavar="FILE", type=Path, required=True, help="JSON Lines of {query, document, relevance}"
        )
        parser.add_argument(
            "--documents", metavar="FILE", type=Path, help="ingested first, where they are not there yet"
        )

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        try:
            queries, judgements = read_queries(options["queries"]), read_judgements(options["qrels"])
            if options["documents"]:
                self._ingest(tenant, options["documents"])
            replicas.load(tenant.pk)  # latencies are those of a process that serves
            evaluation = evaluate(tenant.pk, queries, judgements)
        except (EvaluationError, EmbedderError) as error:
            raise CommandError(str(error)) from error
        self.say(rounded(evaluation), table(evaluation))

    def _ingest(self, tenant: Tenant, path: Path) -> None:
        for loaded in load(tenant.pk, from_path(path), actor="command", wait=True):
            if loaded.state not in FINE:
                print(f"{loaded.document}: {loaded.state}. {loaded.error}", file=sys.stderr)


def rounded(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as the contract has it."""
    value = asdict(evaluation)
    value["metrics"] = {name: round(figure, 4) for name, figure in evaluation.metrics.items()}
    value["latency_ms"] = {name: round(figure, 3) for name, figure in evaluation.latency_ms.items()}
    return value


def table(evaluation: Evaluation) -> str:
    """The evaluation for people."""
    metrics = [f"{name:<12} {figure:.4f}" for name, figure in evaluation.metrics.items()]
    latency = [f"{name} ms       {figure:.2f}" for name, figure in evaluation.latency_ms.items()]
    return "\n".join([f"{evaluation.queries} queries", *metrics, *latency])
