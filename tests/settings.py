"""The project's settings with a data folder of the run's own, and the slow parts of signing in made fast."""

import atexit
import os
import shutil
import tempfile

if "ASKWELL_DATA" not in os.environ:
    os.environ["ASKWELL_DATA"] = tempfile.mkdtemp(prefix="askwell-tests-")
    os.chmod(os.environ["ASKWELL_DATA"], 0o755)  # the embedded PostgreSQL may run as another user
    atexit.register(shutil.rmtree, os.environ["ASKWELL_DATA"], ignore_errors=True)

from project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "for tests only"
