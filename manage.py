#!/usr/bin/env python
"""Askwell's commands. Those that need the database find the running one, or start the embedded one meanwhile."""

import os
import sys

#: Commands that do without a database, or that start it themselves.
WITHOUT_DATABASE = {"check", "collectstatic", "findstatic", "help", "scripted_model", "version"}

#: Commands that make the tables, or look at them only in the code.
WITHOUT_TABLES = {"migrate", "makemigrations"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "serve":
        from project.serve import main as serve  # without Django: the supervisor stays small

        sys.exit(serve(sys.argv[2:]))
    if (command in WITHOUT_DATABASE and "--database" not in sys.argv) or {"--help", "--version"} & set(sys.argv):
        execute_from_command_line(sys.argv)
        return
    from project.database import database_ready

    with database_ready(migrated=command not in WITHOUT_TABLES):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
