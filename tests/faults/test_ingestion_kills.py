"""`kill -9` of the worker over and over while many documents are read: nothing lost, nothing double, nothing half.

The embedder is a server of the test's own, so that reading, writing and dying take the time, not a model. The long form
takes 100,000 passages and twenty kills; ASKWELL_FAULTS_CHUNKS says how many instead.
"""

import contextlib
import hashlib
import json
import os
import random
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import psycopg
import pytest

from benchmarks.serving import serving
from tests.faults.stage import LONG, SEED, Stage, Web, tell

RULES = 100  # passages of a document
CHUNKS = int(os.environ.get("ASKWELL_FAULTS_CHUNKS") or (100_000 if LONG else 1_000))
KILLS = 20 if LONG else 3
JITTER = 0.2  # seconds at most between a book and the kill that is due after it
DIMENSIONS = 16
PATIENCE = 1_800 if LONG else 240  # seconds for everything to be read


class Embeddings(BaseHTTPRequestHandler):
    """An OpenAI-compatible server whose vectors are hashes of the texts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [{"object": "embedding", "index": n, "embedding": numbers(text)} for n, text in enumerate(texts)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = json.dumps({"object": "list", "model": asked["model"], "data": data, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def numbers(text):
    digest = hashlib.sha256(str(text).encode()).digest()
    return [byte / 128 - 1 + 1e-3 for byte in digest[:DIMENSIONS]]


@pytest.fixture
def embeddings():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def library(embeddings):
    """A running system with an empty tenant, and nothing else to do than to read."""
    options = {
        "ASKWELL_DEMO": "0",
        "ASKWELL_WEB": "1",
        "ASKWELL_EMBEDDING_MODEL": "hashes",
        "OPENAI_BASE_URL": embeddings,
        "OPENAI_API_KEY": "none",
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    with tempfile.TemporaryDirectory(prefix="askwell-library-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user when the tests run as root
        data = Path(folder) / "data"
        with serving(data, **options) as server:
            environment = {**os.environ, **options, "ASKWELL_DATA": str(data)}
            stage = Stage(server, environment, Web(data, environment))
            stage.run("create_tenant", "library")
            yield stage


def written(number):
    rules = (
        f"## Rule {rule} of book {number}\n\nWhoever keeps lantern {number} for {rule} weeks charges it on day {rule}, "
        f"wipes the glass of lantern {number} and notes entry {number}-{rule} in the log of the house."
        for rule in range(RULES)
    )
    return {"id": f"book-{number}", "title": f"Book {number}", "text": "\n\n".join(rules)}


def test_a_worker_that_is_killed_again_and_again_loses_nothing(library, tmp_path):
    books = CHUNKS // RULES
    path = tmp_path / "books.jsonl"
    path.write_text("\n".join(json.dumps(written(number)) for number in range(books)))
    library.run("ingest", "library", str(path), "--json")
    chance, started, killed = random.Random(SEED), time.monotonic(), 0
    while killed < KILLS:  # spread over the work, however fast it goes
        left = books * (KILLS - killed) / (KILLS + 1)
        library.wait_until(lambda left=left: 0 <= waiting(library) <= left, PATIENCE, "more books are read")
        time.sleep(chance.uniform(0, JITTER))  # so that kills fall anywhere
        with contextlib.suppress(psutil.NoSuchProcess):
            library.kill("worker")
            killed += 1
    tell(f"{killed} kills within {time.monotonic() - started:.0f} s, {waiting(library)} of {books} books still to read")
    library.wait_until(lambda: not waiting(library), PATIENCE, "every book is read")
    tell(f"{books * RULES:,} passages read within {time.monotonic() - started:.0f} s")

    assert states(library) == [("live", "live", books)]
    assert library.query(
        "SELECT count(*), count(DISTINCT (c.document_id, c.ordinal)), count(DISTINCT c.text), count(x.id) "
        "FROM knowledge_chunk c LEFT JOIN knowledge_chunkvectors x ON x.chunk_id = c.id"
    ) == [(books * RULES,) * 4]
    stray = "SELECT count(*) FROM knowledge_chunk c JOIN knowledge_document d ON d.id = c.document_id "
    assert library.query(stray + "WHERE c.version_id <> d.current_id") == [(0,)]


def waiting(stage):
    """How many versions a worker still has to do with; patient with a database that is busy."""
    try:
        statement = "SELECT count(*) FROM knowledge_documentversion WHERE state IN ('queued', 'reading', 'embedding')"
        return stage.query(statement)[0][0]
    except psycopg.OperationalError:
        return -1


def states(stage):
    return stage.query(
        "SELECT d.state, v.state, count(*) FROM knowledge_document d "
        "JOIN knowledge_documentversion v ON v.document_id = d.id GROUP BY 1, 2"
    )
