from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from knowledge import moving
from knowledge.indexes.qdrant import EngineError
from knowledge.models import ExternalIndex
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant


class Command(TenantCommand):
    help = (
        "Moves a tenant's vectors to an engine on other machines: fills it, compares it with the exact nearest, and "
        "switches. Can be called again after an interruption."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--to", choices=ExternalIndex.Engine.values, default=ExternalIndex.Engine.QDRANT)
        parser.add_argument("--dry-run", action="store_true", help="say what it would take, and change nothing")
        parser.add_argument("--back", action="store_true", help="have PostgreSQL and the replicas serve again")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        try:
            if options["back"]:
                self._back(tenant)
            elif options["dry_run"]:
                self._tell("It would take", moving.plan(tenant.pk))
            else:
                moving.fill(tenant.pk)
                self._tell("Moved", moving.switch(tenant.pk, actor="command"))
        except (EngineError, moving.MoveRefusedError) as error:
            raise CommandError(str(error)) from error

    def _back(self, tenant: Tenant) -> None:
        moved = moving.back(tenant.pk, actor="command")
        text = "PostgreSQL and the replicas serve again." if moved else "No engine serves this tenant."
        self.say({"back": moved}, text)

    def _tell(self, done: str, move: moving.Move) -> None:
        found = "" if move.recall is None else f", {move.recall:.3f} of the nearest are found"
        size = f"about {move.bytes / 2**20:.0f} MB"
        self.say(asdict(move), f"{done}: {move.chunks} passages ({move.stored or 0} in the engine), {size}{found}.")
