"""Commands say in one sentence what keeps them from starting."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

SUPERUSER = "postgres://postgres@/postgres?host={}"


def manage(*arguments, data, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "ASKWELL_DATA": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"DATABASE_URL": "mysql://u@h/d"}, "DATABASE_URL must look like postgres://"),
        ({"REDIS_URL": "localhost"}, "REDIS_URL is 'localhost': write an address such as redis://"),
        ({"OPENAI_BASE_URL": "api.example.com"}, "OPENAI_BASE_URL is 'api.example.com': write an address such as"),
        ({"ASKWELL_INDEX": "magic"}, "ASKWELL_INDEX is 'magic': write one of faiss, pgvector"),
        ({"ASKWELL_INDEX_MEMORY": "8"}, "ASKWELL_INDEX_MEMORY is '8': write a whole number from 16 to 1000000"),
        ({"ASKWELL_QDRANT_URL": "qdrant:6333"}, "ASKWELL_QDRANT_URL is 'qdrant:6333': write an address such as"),
    ],
)
def test_a_bad_value_is_told_in_one_sentence(tmp_path, environment, says):
    done = manage("search", "acme", "anything", data=tmp_path, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Askwell cannot start: {says}")
    assert done.stderr.count("\n") == 1


def test_a_superuser_is_refused(postgres_server, tmp_path):
    host = settings.DATABASES["default"]["HOST"]
    done = manage("prepare", data=tmp_path, DATABASE_URL=SUPERUSER.format(host))
    assert done.returncode == 1
    assert "is a superuser or has BYPASSRLS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_there_is_told(tmp_path):
    done = manage("prepare", data=tmp_path, DATABASE_URL=f"postgres://nobody@/nothing?host={tmp_path}")
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_no_number(tmp_path):
    done = manage("serve", data=tmp_path, PORT="eighty")
    assert done.returncode == 2
    assert "invalid int value: 'eighty'" in done.stderr
