import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from commerce.exchange import ImportRefused, import_shop
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services import create_tenant


class Command(TenantCommand):
    help = "Takes a shop's products, customers and orders from a file; makes the tenant if there is none of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.json", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        slug, data = options["tenant"], read_json(options["file"])
        new = not Tenant.objects.filter(slug=slug).exists()
        with transaction.atomic():  # a tenant that was made for a file which is then refused does not stay
            if new:
                try:
                    create_tenant(slug=slug)
                except ValidationError as error:
                    raise CommandError(" ".join(error.messages)) from error
            super().handle(*args, **options, data=data)
        if new:
            self.say({"created": slug}, f"There was no tenant “{slug}”: created it, at /{slug}/")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        started = time.monotonic()
        try:
            with tenant_scope(tenant.pk):
                imported = import_shop(options["data"], actor="command")
        except ImportRefused as refused:
            lines = "\n".join(f"  {error}" for error in refused.errors)
            raise CommandError(f"Nothing was imported:\n{lines}") from refused
        for warning in imported.warnings:
            self.say({"warning": warning}, f"note: {warning}")
        seconds = round(time.monotonic() - started, 2)
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in imported.counts.items())
        self.say({"imported": imported.counts, "seconds": seconds}, f"Imported {counts} ({seconds:.1f} s)")


def read_json(path: Path) -> Any:
    """What the file holds; raises CommandError."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}") from error
