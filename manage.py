#!/usr/bin/env python
"""Askwell's commands. Those that need the database find the running one, or start the embedded one meanwhile."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

#: Commands that do without a database.
WITHOUT_DATABASE = {"check", "collectstatic", "findstatic", "help", "scripted_model", "version"}
#: Commands that make the tables, or look at them only in the code.
WITHOUT_TABLES = {"migrate", "makemigrations", "prepare"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "serve":
        from project.serve import main as serve  # without Django: the supervisor stays small

        sys.exit(serve(sys.argv[2:]))
    from project.postgres import PostgresError

    try:
        run(command)
    except (ImproperlyConfigured, PostgresError) as error:
        sys.exit(f"Askwell cannot start: {error}")


def run(command: str) -> None:
    from django.core.management import execute_from_command_line

    from project.database import database_ready

    if (command in WITHOUT_DATABASE and "--database" not in sys.argv) or {"--help", "--version"} & set(sys.argv):
        execute_from_command_line(sys.argv)
        return
    with database_ready(migrated=command not in WITHOUT_TABLES):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
