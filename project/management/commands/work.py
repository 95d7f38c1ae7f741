"""The worker: reads documents and does what is due, apart from the web server."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app

from knowledge.embedding.base import use_less_memory
from knowledge.tasks import HEARTBEAT, STALLED_AFTER

POLLING = 2.0  # seconds until a job is found that was put back, which nobody is notified of
CONCURRENCY = 2  # documents at a time; embedding itself uses one thread each


class Command(BaseCommand):
    help = "Runs jobs: documents to read, periodic care. Start as many as you like, on any machine."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        use_less_memory()
        app.worker_defaults.update(
            {
                "concurrency": CONCURRENCY,
                "delete_jobs": "successful",
                "fetch_job_polling_interval": POLLING,
                "update_heartbeat_interval": HEARTBEAT,
                "stalled_worker_timeout": STALLED_AFTER,
            }
        )
        call_command("procrastinate", "worker")
