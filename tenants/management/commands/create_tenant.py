from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tenants.services import create_tenant


class Command(BaseCommand):
    help = "Creates an empty tenant."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "slug", metavar="SLUG", help="the first part of its address: small letters, digits, hyphens"
        )
        parser.add_argument("--name", default="", help="its name, as customers see it")
        parser.add_argument("--language", default="en", help="the language most of its documents are in")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        try:
            tenant = create_tenant(slug=options["slug"], name=options["name"], language=options["language"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Created {tenant.name}, at /{tenant.slug}/")
