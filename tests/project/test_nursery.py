"""What is loaded before the processes part may hold no thread, no event loop and no connection."""

import subprocess
import sys

import pytest

from project import nursery
from project.processes import ROOT

pytestmark = pytest.mark.unit

PROBE = """
import os, sys
from django.db import connections
from project import nursery
nursery.load()
print(len(os.listdir("/proc/self/task")), "twisted.internet.reactor" in sys.modules,
      "project.asgi" in sys.modules, [c for c in connections.all(initialized_only=True) if c.connection])
"""


def test_what_is_shared_starts_nothing():
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 False False []"


def test_behind_a_proxy_its_headers_are_believed(monkeypatch):
    monkeypatch.delenv("ASKWELL_PROXY", raising=False)
    assert "--proxy-headers" not in nursery.web_options()
    monkeypatch.setenv("ASKWELL_PROXY", "1")
    assert "--proxy-headers" in nursery.web_options()
