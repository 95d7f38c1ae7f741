import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from commerce.exchange import export_shop
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TenantCommand):
    help = "Writes a shop's products, customers and orders to a file, or to the standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.json", type=Path, nargs="?")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        with tenant_scope(tenant.pk):
            data = export_shop()
        text = json.dumps(data, ensure_ascii=False, indent=None if self.as_json else 1)
        path: Path | None = options["file"]
        if path is None:
            self.stdout.write(text)
            return
        try:
            path.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        counts = {kind: len(data[kind]) for kind in ("products", "users", "orders")}
        self.say({"exported": counts, "file": str(path)}, f"Exported {len(data['orders'])} orders to {path}")
