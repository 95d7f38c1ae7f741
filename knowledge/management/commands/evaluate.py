import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from knowledge.embedding.base import EmbedderError
from knowledge.evaluation import MEASURES, Evaluation, EvaluationError, evaluate, read_judgements, read_queries
from knowledge.evaluation.runs import carry_out, create_run
from knowledge.evaluation.wording import MODEL, NAMES
from knowledge.indexes.replica import replicas
from knowledge.loading import load
from knowledge.models import EvaluationRun, EvaluationSet
from knowledge.sources import from_path
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope

FINE = {"live", "unchanged", "skipped"}
BELOW = 2
"""The exit code when a measure is below its bar."""


def bar(text: str) -> tuple[str, float]:
    """A measure and its bar, as in recall@5=.9."""
    name, _, value = text.partition("=")
    known = [*NAMES, *(f"{MODEL}{measure}" for measure in NAMES if measure not in MEASURES)]
    try:
        if name not in known:
            raise ArgumentTypeError(f"“{name}” is no measure; there are {', '.join(known)}")
        return name, float(value)
    except ValueError as error:
        raise ArgumentTypeError(f"write it as in recall@5=.9, not “{text}”") from error


class Command(TenantCommand):
    help = (
        "Measures retrieval against judgements, or by a stored set of questions: recall, precision, MRR and nDCG, and "
        "how long it takes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--queries", type=Path, metavar="F.jsonl", help="JSON Lines of {id, text}")
        parser.add_argument("--qrels", type=Path, metavar="F.jsonl", help="JSON Lines of {query, document, relevance}")
        parser.add_argument(
            "--documents", type=Path, metavar="PATH", help="ingested first, where they are not there yet"
        )
        parser.add_argument("--set", metavar="NAME", help="an evaluation set of the tenant, in place of the two files")
        parser.add_argument("--answers", action="store_true", help="ask for answers, too, and judge them (with --set)")
        parser.add_argument(
            "--fail-under",
            type=bar,
            action="append",
            default=[],
            metavar="MEASURE=BAR",
            help=f"end with code {BELOW} if the measure is below, such as recall@5=.9; may be given several times",
        )

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if bool(options["set"]) == bool(options["queries"] and options["qrels"]):
            raise CommandError("Give either --set, or --queries and --qrels.")
        try:
            if options["documents"]:
                self._ingest(tenant, options["documents"])
            evaluation = (self._stored if options["set"] else self._files)(tenant, options)
        except (EvaluationError, EmbedderError) as error:
            raise CommandError(str(error)) from error
        self.say(rounded(evaluation), table(evaluation))
        self._judge(evaluation, options["fail_under"])

    def _ingest(self, tenant: Tenant, path: Path) -> None:
        for loaded in load(tenant.pk, from_path(path), actor="command", wait=True):
            if loaded.state not in FINE:
                print(f"{loaded.document}: {loaded.state}. {loaded.error}", file=sys.stderr)

    def _files(self, tenant: Tenant, options: dict[str, Any]) -> Evaluation:
        queries, judgements = read_queries(options["queries"]), read_judgements(options["qrels"])
        replicas.load(tenant.pk)  # latencies are those of a process that serves
        return evaluate(tenant.pk, queries, judgements)

    def _stored(self, tenant: Tenant, options: dict[str, Any]) -> Evaluation:
        """A run of a stored set, kept as those of the admin are."""
        with tenant_scope(tenant.pk):
            found = EvaluationSet.objects.filter(name=options["set"]).first()
            if found is None:
                names = ", ".join(EvaluationSet.objects.values_list("name", flat=True)) or "none yet"
                raise EvaluationError(f"There is no set “{options['set']}”. There are: {names}.")
            run = create_run(
                evaluation_set=found,
                candidate={},
                label="Command",
                with_answers=options["answers"],
                actor="command",
            )
        carry_out(tenant.pk, run.pk)
        with tenant_scope(tenant.pk):
            run.refresh_from_db()
        if run.state != EvaluationRun.State.DONE:
            raise EvaluationError(run.error or "The run was stopped.")
        return Evaluation(run.metrics, run.latency, run.counts["asked"] - run.counts["left_out"])

    def _judge(self, evaluation: Evaluation, bars: list[tuple[str, float]]) -> None:
        missed = [(name, least) for name, least in bars if not evaluation.metrics.get(name, 0.0) >= least]
        for name, least in missed:
            print(f"{name} is {evaluation.metrics.get(name, 0.0):.4f}, below {least:g}", file=sys.stderr)
        if missed:
            raise SystemExit(BELOW)


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
