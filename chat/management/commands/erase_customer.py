from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from chat.erasure import erase_customer
from tenants.management.tenant_command import TenantCommand
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TenantCommand):
    help = "Removes everything a tenant holds about one customer, and prints what was removed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> None:
        with tenant_scope(tenant.pk):
            removed = erase_customer(email=options["email"], actor="command")
        if not removed:
            raise CommandError(f"{tenant.name} knows nobody by the address {options['email']}.")
        for kind, count in removed.items():
            self.say({"removed": kind, "count": count}, f"{count:>6} {kind}")
