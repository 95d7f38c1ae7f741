"""The worker: reads documents and does what is due, apart from the web server."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

CONCURRENCY = 2  # documents at a time; embedding itself uses one thread each


class Command(BaseCommand):
    help = "Runs jobs: documents to read, periodic care. Start as many as you like, on any machine."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        call_command("procrastinate", "worker", concurrency=CONCURRENCY, delete_jobs="successful")
