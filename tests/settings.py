"""The project's settings with a data folder of each worker's own, and the slow parts of signing in made fast."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A worker of the run's does not take over the folder of the process that started it; what it starts itself does.
if "ASKWELL_DATA" not in os.environ or os.environ.get("PYTEST_XDIST_WORKER", "") != os.environ.get(
    "ASKWELL_WORKER", ""
):
    os.environ["ASKWELL_WORKER"] = os.environ.get("PYTEST_XDIST_WORKER", "")
    os.environ["ASKWELL_DATA"] = tempfile.mkdtemp(prefix="askwell-tests-")
    Path(os.environ["ASKWELL_DATA"]).chmod(0o755)
    atexit.register(shutil.rmtree, os.environ["ASKWELL_DATA"], ignore_errors=True)

from project.settings import *  # noqa: F403 (once the folder is known; all of them, some changed below)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "for tests only"
if EMBEDDED_DATABASE:  # noqa: F405 (one of all)
    DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASES["default"]["NAME"]}  # noqa: F405 (see tests/database.py)
