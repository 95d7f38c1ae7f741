import asyncio
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from agents.guardrails.redaction import Own
from agents.llm import ledger
from agents.llm.base import Provider
from agents.llm.metering import Account
from agents.llm.plan import reading_model
from agents.models import Feature
from agents.preparation import tenant_settings
from agents.prompts.versions import prompts_of_tenant
from agents.routing.intents import Understanding, understand
from agents.routing.model_tier import classify_with_model
from agents.routing.teaching import available_intents
from knowledge.embedding.base import EmbedderError
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope

UNSURE = 0.5  # confidence in an intent that the model alone sees


class Row(NamedTuple):
    """One line of the file."""

    id: str | int
    text: str


class BadLine(ValueError):  # noqa: N818 (named for what it is)
    """A line cannot be used; the text says why."""


class Command(TenantCommand):
    help = "Finds the intents and entities of texts; with a configured model it has the last word on intents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--texts", metavar="FILE.jsonl", type=Path, required=True, help="{id, text}, one a line")
        parser.add_argument("--no-model", action="store_true", help="the local classifier alone")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        with tenant_scope(tenant.pk):
            intents, prompts = available_intents(), prompts_of_tenant()
            model = None if options["no_model"] else counted_model(tenant)
        bad = total = 0
        for number, line in read_lines(options["texts"]):
            total += 1
            try:
                row = read_row(line)
            except BadLine as error:
                bad += 1
                self.stderr.write(f"{options['texts']}, line {number}: {error}")
                continue
            try:
                understanding = understand(tenant.pk, row.text, language=tenant.language, wait=total == bad + 1)
            except EmbedderError as error:
                raise CommandError(str(error)) from error
            names = asyncio.run(classify_with_model(model, row.text, intents, prompts)) if model else None
            self._show(row, understanding, names)
        ledger.write_waiting()
        if bad:
            raise CommandError(f"{bad} of {total} lines could not be used; the others are above.")

    def _show(self, row: Row, understanding: Understanding, names: tuple[str, ...] | None) -> None:
        """Print one line; `names` are the model's, None without its say."""
        scores = {intent.name: intent.score for intent in understanding.intents}
        intents = list(scores) if names is None else list(names)
        confidence = scores.get(intents[0], UNSURE) if intents else 0.0
        entities = understanding.entities.values()
        value = {"id": row.id, "intents": intents, "entities": entities, "confidence": round(confidence, 4)}
        named = "; ".join(f"{kind}: {', '.join(map(str, values))}" for kind, values in entities.items())
        self.say(value, f"{row.id}  {', '.join(intents) or 'nothing'} ({confidence:.2f})  {named}".rstrip())


def counted_model(tenant: Tenant) -> Provider | None:
    """The cheap model of the tenant in scope, paid for by it; None where there is none."""
    prepared = tenant_settings(tenant.pk)
    account = Account(tenant.pk, feature=Feature.CLASSIFY, budgets=prepared.budgets)
    return reading_model(prepared, account, Own(tenant.pk))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line) of the lines of a file that are not empty."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def read_row(line: str) -> Row:
    """The id and text of a line.

    Raises:
        BadLine: it is something else than an object with both.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine("this is not JSON.") from error
    if not isinstance(row, dict):
        raise BadLine("write one object a line: {id, text}.")
    if isinstance(row.get("id"), bool) or not isinstance(row.get("id"), str | int):
        raise BadLine("id is missing.")
    if not isinstance(row.get("text"), str):
        raise BadLine("text is missing.")
    return Row(row["id"], row["text"].replace("\x00", " "))
