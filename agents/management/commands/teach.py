import json
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_slug
from django.db import transaction

from agents.management.commands.classify import read_lines
from agents.models import Intent
from agents.routing.teaching import MAX_PASTED, add_examples, save_intent
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope

ACTOR = "command"


class Command(TenantCommand):
    help = "Adds examples of what customers want: lines of {text, intent}; makes intents that are not there yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.jsonl", type=Path)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        examples = read_examples(options["file"])
        with tenant_scope(tenant.pk), transaction.atomic():
            added = {name: _add(name, texts) for name, texts in examples.items()}
        total = sum(added.values())
        self.say({"examples": total, "intents": len(added)}, f"{total} new examples of {len(added)} intents")


def read_examples(path: Path) -> dict[str, list[str]]:
    """The texts of each intent; raises CommandError with every line that is wrong, and then nothing was added."""
    examples: dict[str, list[str]] = defaultdict(list)
    wrong = []
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
            name, text = row["intent"], row["text"]
            validate_slug(name)
            examples[name].append(str(text))
        except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
            wrong.append(number)
    if wrong:
        raise CommandError(
            f"{path}, line {', '.join(map(str, wrong[:20]))}: write {{text, intent}}; nothing was added."
        )
    return examples


def _add(name: str, texts: list[str]) -> int:
    intent = Intent.objects.filter(name=name).first() or save_intent(intent=Intent(name=name), actor=ACTOR)
    parts = [texts[start : start + MAX_PASTED] for start in range(0, len(texts), MAX_PASTED)]
    return sum(add_examples(intent=intent, texts=part, actor=ACTOR) for part in parts)
