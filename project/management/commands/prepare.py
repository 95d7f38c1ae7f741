"""What `serve` does before it starts the web server: check, migrate, seed the demo."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from project.database import migrate
from project.demo import seed


class Command(BaseCommand):
    help = "Checks the deployment, brings the tables up to date and seeds the demo tenants once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave the demo tenants out")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        self.check(databases=["default"])
        migrate()
        if settings.ASKWELL_DEMO and not options["no_demo"]:
            seed.seed_once(report=self.stdout.write)
