"""Two processes on one database and one folder, whatever happens between them: no search misses what is live before it.

Each change is followed by searches in both at once, while others search on, snapshots are stored and mapped, locks are
held too long, large changes are applied behind the questions, and a process starts anew. Words come in pairs, one a
slip of the other, so that a vocabulary of before would put right what is no error.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections

from knowledge import services
from knowledge.changes import record_change
from knowledge.indexes import replica as module
from knowledge.indexes.replica import Replicas
from knowledge.models import Document, KnowledgeState
from knowledge.retrieval import finding, source
from knowledge.retrieval import search as searching
from knowledge.retrieval.policy import Policies
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 24
WORDS = ["lantern", "parcels", "invoice", "kettles", "blanket", "cushion"]
PAIRS = [(word, word[:3] + word[4] + word[3] + word[5:]) for word in WORDS]


class Process:
    """What a process has of its own."""

    def __init__(self) -> None:
        self.replicas, self.policies = Replicas(), Policies()


class OfThisThread:
    """Stands for what there is one of in a process."""

    def __init__(self, name: str, here: threading.local) -> None:
        self.name, self.here = name, here

    def __getattr__(self, attribute: str):
        return getattr(getattr(self.here.process, self.name), attribute)


@pytest.fixture
def processes(monkeypatch, settings, tmp_path, embedder):
    """Two, and `run(process, function)`, which calls a function in one of them."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(embedder, "count_pieces", len)  # no word is known but those of the documents
    monkeypatch.setattr(module, "STORED_FROM", 1)
    monkeypatch.setattr(module, "STORED_AGAIN", 0.0)
    here = threading.local()
    for place in (finding, source):
        monkeypatch.setattr(place, "replicas", OfThisThread("replicas", here))
    monkeypatch.setattr(searching, "policies", OfThisThread("policies", here))
    both = [Process(), Process()]

    def run(process, function):
        here.process = process
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        yield both, lambda process, function: threads.submit(run, process, function)
        for process in both:
            process.replicas.settle()


def text_of(word: str) -> str:
    return f"The {word} is for the house. It is kept dry. A {word} lasts for years."


@contextmanager
def trouble(kind: str, process: Process, tenant_id: int, monkeypatch):
    """Something that goes on in a process while it is asked."""
    entry = process.replicas._entry(tenant_id)
    with monkeypatch.context() as patched:
        if kind == "behind":  # every change is applied in the background
            patched.setattr(module, "AT_ONCE", 0)
            patched.setattr(module, "CHANGES_AT_ONCE", 0)
        elif kind == "locked":
            patched.setattr(module, "PATIENCE", 0.01)
            entry.lock.acquire()
        elif kind == "started anew":
            process.replicas.forget(tenant_id)
        yield
        if kind == "locked":
            entry.lock.release()


TROUBLES = ["none", "behind", "locked", "started anew"]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_search_misses_what_is_live_before_it(processes, add, tenant, monkeypatch, seed):
    both, run = processes
    chance = random.Random(seed)
    documents = {word: add(word, text_of(word)) for pair in PAIRS for word in pair}
    live = set(documents)

    def found(word: str) -> list[str]:
        return [passage.document for passage in search(tenant.pk, f"What is the {word} for?", k=3).passages]

    for n in range(ROUNDS):
        word = chance.choice(chance.choice(PAIRS))
        away = word in live
        with trouble(kind := chance.choice(TROUBLES), chance.choice(both), tenant.pk, monkeypatch):
            stirring = [run(process, lambda w=word: found(w)) for process in both]
            with tenant_scope(tenant.pk):
                (services.archive if away else services.restore)([documents[word]], actor="a")
            live ^= {word}
            asked = [(process, run(process, lambda w=word: found(w))) for process in both for _ in range(2)]
            results = [(both.index(process), future.result()) for process, future in asked]
            assert all(future.result() is not None for future in stirring)
        for process, result in results:
            case = f"round {n}, {kind}, process {process}, {word} {'away' if away else 'back'}: {result}"
            assert (word not in result) if away else (result[0] == word), case


def test_a_word_that_came_back_is_not_put_right_by_words_of_before(processes, add, tenant, monkeypatch):
    """The process knows the new version, but its passages are still those of before."""
    (process, _), run = processes
    first, second = PAIRS[0]
    add(first, text_of(first))
    run(process, lambda: search(tenant.pk, first)).result()
    process.replicas.settle()
    add(second, text_of(second))
    process.policies.load(tenant.pk)
    with trouble("locked", process, tenant.pk, monkeypatch):
        result = run(process, lambda: search(tenant.pk, f"What is the {second} for?")).result()

    assert result.passages[0].document == second
    assert not result.corrected
    result = run(process, lambda: search(tenant.pk, f"What is the {second} for?")).result()
    assert (result.passages[0].document, result.corrected, result.index) == (second, "", "faiss")


def test_a_search_waits_for_no_writer(processes, add, tenant):
    """Not even the first one of a day, which may have to record what begins and ends."""
    (process, _), run = processes
    document = add("lantern", text_of("lantern"))
    with tenant_scope(tenant.pk):
        KnowledgeState.objects.update(day="2020-01-01")
    with tenant_scope(tenant.pk):
        record_change([document.pk])  # whose lock is held to the end of the transaction
        started = time.monotonic()
        result = run(process, lambda: search(tenant.pk, "lantern")).result(timeout=10)
        assert time.monotonic() - started < 10
    assert len(result.passages) == 1
    with tenant_scope(tenant.pk):
        assert str(KnowledgeState.objects.get().day) == "2020-01-01"

    run(process, lambda: search(tenant.pk, "lantern")).result()
    with tenant_scope(tenant.pk):
        assert str(KnowledgeState.objects.get().day) != "2020-01-01"


def test_a_file_of_another_database_never_takes_the_place_of_ones_own(processes, add, tenant, settings):
    """It may have come to the same version since."""
    (one, other), run = processes
    documents = [add(word, text_of(word)) for word in WORDS]
    run(one, lambda: one.replicas.load(tenant.pk)).result()
    one.replicas.settle()
    with tenant_scope(tenant.pk):  # the file's version is of documents that this database does not have
        Document.objects.filter(pk=documents[0].pk).update(state="archived")
        KnowledgeState.objects.update(version=3)
    ours = run(other, lambda: other.replicas.load(tenant.pk)).result()
    assert len(ours) == len(WORDS) - 1
    with tenant_scope(tenant.pk):
        for _ in range(3):
            record_change([documents[1].pk])
    run(other, lambda: search(tenant.pk, "lantern")).result()
    other.replicas.settle()

    assert len(other.replicas._entry(tenant.pk).snapshot) == len(WORDS) - 1
