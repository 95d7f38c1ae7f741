import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from knowledge import reembedding
from knowledge.embedding.base import EmbedderAwayError, EmbedderError
from knowledge.models import EmbeddingModel, Release
from knowledge.reembedding import CannotSwitchError
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope

ACTOR = "manage.py reembed"
PAUSES = (1.0, 5.0, 30.0, 60.0)  # seconds before a model that is away is asked again
State = EmbeddingModel.State


class Command(TenantCommand):
    help = "Embeds all passages of a tenant with another embedding model, beside the one that serves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", metavar="MODEL", help="its name, as the admin's list of embedding models has it")
        parser.add_argument("--wait", action="store_true", help="embed here and now instead of in the worker")
        parser.add_argument("--switch", action="store_true", help="have searches use it once it is complete")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        try:
            with tenant_scope(tenant.pk):
                row = self._row(options["model"])
                if row.state != State.READY:
                    reembedding.begin(row, actor=ACTOR)
            if options["wait"] or options["switch"]:
                self._build(row)
            self._tell(row)
            if options["switch"]:
                self._switch(row)
        except (CannotSwitchError, EmbedderError) as error:
            raise CommandError(str(error)) from error

    def _row(self, name: str) -> EmbeddingModel:
        reembedding.own_row()
        row: EmbeddingModel | None = EmbeddingModel.objects.filter(name=name).first()
        if row is None:
            known = ", ".join(EmbeddingModel.objects.values_list("name", flat=True))
            raise CommandError(f"There is no embedding model {name}. There is: {known}. The admin adds others.")
        return row

    def _build(self, row: EmbeddingModel) -> None:
        """Makes what is missing, and tells how far it is now and then; a model that is away is waited for."""
        away = 0
        more = True
        while more:
            try:
                more = reembedding.embed_missing(row.tenant_id, row.pk, seconds=2.0)
                away = 0
            except EmbedderAwayError:
                if away == len(PAUSES):
                    raise
                time.sleep(PAUSES[away])  # whoever typed the command waits for it
                away += 1
            if more:
                self._tell(row)
        with tenant_scope(row.tenant_id):
            row.refresh_from_db()
        if row.state == State.FAILED:
            raise CommandError(row.error)

    def _tell(self, row: EmbeddingModel) -> None:
        with tenant_scope(row.tenant_id):
            row.refresh_from_db()
        value = {"model": row.name, "state": row.state, "progress": row.progress, "dimensions": row.dimensions}
        self.say(value, f"{row.name}: {row.get_state_display()}, {row.progress} %")

    def _switch(self, row: EmbeddingModel) -> None:
        with tenant_scope(row.tenant_id):
            release: Release | None = reembedding.switch(row, actor=ACTOR)
        if release is None:
            self.say({"model": row.name, "serves": True}, f"Searches use {row.name} from now on.")
        else:
            text = "The release gate is on: the switch follows once the evaluation set got no worse."
            self.say({"model": row.name, "serves": False, "release": release.pk}, text)
