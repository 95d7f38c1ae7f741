"""An OpenAI-compatible server that says what a script tells it to."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.llm.scripted_server import Profile, Script, ScriptedServer, ScriptError


class Command(BaseCommand):
    """Serve the script until interrupted."""

    help = "Serve a scripted model that speaks the OpenAI protocol, for tests and demonstrations."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--script", type=Path, help="JSON; without it every question gets the same reply")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument("--profile", choices=list(Profile), help="overrides the script's own")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Read the script and serve it."""
        try:
            script = Script.parse(options["script"].read_bytes()) if options["script"] else Script()
        except (OSError, ScriptError) as error:
            raise CommandError(f"Cannot use the script: {error}") from error
        if options["profile"]:
            script = replace(script, profile=Profile(options["profile"]))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._serve(ScriptedServer(script, options["host"], options["port"])))

    async def _serve(self, server: ScriptedServer) -> None:
        try:
            async with server:
                self.stdout.write(f"OPENAI_BASE_URL={server.base_url}")
                self.stdout.flush()
                await asyncio.Event().wait()
        except OSError as error:
            raise CommandError(f"Cannot listen on {server.host}:{server.port}: {error.strerror}") from error
