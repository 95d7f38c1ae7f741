"""The stage is set once for all fault tests: a real `serve`, a second web server, a scripted model that is slow."""

import os
import tempfile
from pathlib import Path

import pytest

from benchmarks.serving import scripted_model, serving
from tests.faults.stage import ANSWER, LONG, SEED, TOKEN_MS, Stage, Web, read_cast, tell


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def stage():
    tell(f"fault tests in their {'long' if LONG else 'short'} form, seed {SEED}")
    script = {"otherwise": ANSWER, "token_ms": TOKEN_MS}
    with tempfile.TemporaryDirectory(prefix="askwell-faults-") as folder, scripted_model(script) as model:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user when the tests run as root
        data = Path(folder) / "data"
        options = {**model, "ASKWELL_DEMO": "0", "ASKWELL_WEB": "1", "DJANGO_SETTINGS_MODULE": "project.settings"}
        environment = {**os.environ, **options, "ASKWELL_DATA": str(data)}
        with serving(data, **options) as server:
            made = Stage(server, environment, Web(data, environment))
            made.cast = read_cast(made.run("shell", "-v", "0", "-c", Path(__file__).with_name("cast.py").read_text()))
            made.other.start()
            yield made
            made.other.stop()


@pytest.fixture
def acme(stage):
    return stage.cast["acme"]


@pytest.fixture
def globex(stage):
    return stage.cast["globex"]
