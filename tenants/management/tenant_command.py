"""What commands about one tenant share: its slug, and output for people or for programs."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.models import Tenant


class TenantCommand(BaseCommand):
    """A command with a tenant as its first argument and `--json` for JSON Lines on stdout and nothing else there."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the tenant's slug, as in its address")
        parser.add_argument("--json", action="store_true", help="JSON Lines on stdout and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            slug = options["tenant"]
            raise CommandError(f"There is no tenant “{slug}”. Create it first: manage.py create_tenant {slug}")
        self.as_json: bool = options["json"]
        self.run(tenant, options)

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        """The command itself."""
        raise NotImplementedError

    def say(self, value: dict[str, Any], text: str) -> None:
        """One line: `value` for programs or `text` for people, at once even through a pipe."""
        line = json.dumps(value, ensure_ascii=False) if self.as_json else printable(text)
        self.stdout.write(line)
        self.stdout.flush()


def printable(text: str) -> str:
    """The text in what the terminal can show; control characters of a document must not reach it."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
    return shown.encode(encoding, "replace").decode(encoding)
