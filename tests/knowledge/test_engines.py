"""Vectors in an engine beside the database: the index, the move there and back, and what a search makes of it."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from knowledge import moving, services
from knowledge.indexes import engines
from knowledge.indexes.qdrant import EngineError, QdrantIndex
from knowledge.models import Chunk, ExternalIndex
from knowledge.retrieval import finding
from knowledge.retrieval.search import Filters, search
from knowledge.tasks import follow_engines
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

qdrant_server = pytest.importorskip("tests.knowledge.qdrant_server")
pytestmark = pytest.mark.django_db
WORDS = ["battery", "returns", "parcel", "warranty", "invoice", "island", "lantern", "cable"]


@pytest.fixture
def server(settings, tmp_path, monkeypatch):
    made = qdrant_server.QdrantServer(tmp_path)
    settings.ASKWELL_QDRANT_URL = made.url
    engines._known.clear()
    engines._quiet.clear()
    monkeypatch.setattr(engines, "KNOWN_FOR", 0.0)
    yield made
    made.stop()
    engines._known.clear()
    engines._quiet.clear()


@pytest.fixture
def shop(add_all, tenant, monkeypatch):
    kinds = ("even", "odd")
    texts = {f"d{n}": f"All about the {word}. It is chapter {n}." for n, word in enumerate(WORDS)}
    add_all(
        *(
            {"external_id": name, "text": text, "metadata": {"category": kinds[n % 2]}}
            for n, (name, text) in enumerate(texts.items())
        )
    )
    monkeypatch.setattr(finding, "CANDIDATES", 3)  # so that a shop of eight passages is large enough
    return tenant


@pytest.fixture
def moved(shop, server):
    call_command("move_index", shop.slug)
    server.calls.clear()
    return shop


def found(tenant, query="battery", **options) -> tuple[str, list[str]]:
    result = search(tenant.pk, query, k=3, **options)
    return result.index, [passage.document for passage in result.passages]


def vectors(count: int) -> np.ndarray:
    made = np.random.default_rng(1).standard_normal((count, 8)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_index_does_what_every_index_does(server):
    index, other = QdrantIndex(1, "m", 8), QdrantIndex(2, "m", 8)
    index.prepare()
    index.prepare()
    made, ids = vectors(30), np.arange(100, 130)
    index.add(ids, made)
    other.add(ids + 1_000, made)

    exact = ids[np.argsort(-(made @ made[3]))]
    nearest, scores = index.search(made[3], 5)
    assert nearest.tolist() == exact[:5].tolist()
    np.testing.assert_allclose(scores, np.sort(made @ made[3])[::-1][:5], atol=1e-5)
    allowed = exact[::4].tolist()
    assert index.search(made[3], 4, allowed)[0].tolist() == allowed[:4]
    assert index.search(made[3], 0)[0].tolist() == []
    index.remove([int(exact[0]), 5])
    assert index.search(made[3], 1)[0].tolist() == [exact[1]]
    assert (len(index), len(other)) == (29, 30)
    index.clear()
    assert (len(index), len(other)) == (0, 30)


@pytest.mark.parametrize("break_it", ["away", "refuses", "no address", "something else"])
def test_an_engine_that_cannot_be_used_says_so(server, settings, monkeypatch, break_it):
    if break_it == "away":
        server.stop()
    if break_it == "refuses":
        server.broken = True
    if break_it == "no address":
        settings.ASKWELL_QDRANT_URL = ""
    if break_it == "something else":
        monkeypatch.setattr(qdrant_server.json, "dumps", lambda _: "[]")

    with pytest.raises(EngineError):
        len(QdrantIndex(1, "m", 8))


def test_a_dry_run_changes_nothing(shop, server, capsys):
    call_command("move_index", shop.slug, "--dry-run", "--json")

    said = json.loads(capsys.readouterr().out)
    assert said == {"chunks": 8, "stored": None, "bytes": 8 * (4 * 384 + 250), "recall": None, "serves": False}
    assert found(shop)[0] == "faiss"
    with tenant_scope(shop.pk):
        assert not ExternalIndex.objects.exists()


def test_a_move_fills_compares_and_switches(shop, server, capsys):
    call_command("move_index", shop.slug)

    assert "8 passages (8 in the engine)" in capsys.readouterr().out
    assert found(shop) == ("qdrant", found(shop)[1])
    assert found(shop)[1][0] == "d0"
    with tenant_scope(shop.pk):
        assert ExternalIndex.objects.get().recall == 1.0
        assert AuditEvent.objects.filter(action="index.moved").exists()
    call_command("move_index", shop.slug)  # again, which harms nothing


def test_an_engine_that_finds_too_little_does_not_serve(shop, server, monkeypatch):
    monkeypatch.setattr(moving, "compare", lambda _: 0.9)

    with pytest.raises(CommandError, match=r"finds 0\.900 of the nearest"):
        call_command("move_index", shop.slug)
    assert found(shop)[0] == "faiss"


def test_an_engine_that_lacks_passages_does_not_serve(shop, server):
    moving.fill(shop.pk)
    with tenant_scope(shop.pk):
        engines.index_of(shop.pk).remove([Chunk.objects.first().pk])

    with pytest.raises(moving.MoveRefusedError, match="7 of 8"):
        moving.switch(shop.pk, actor="a")


def test_back_again(moved, server, capsys):
    call_command("move_index", moved.slug, "--back")

    assert "serve again" in capsys.readouterr().out
    assert found(moved)[0] == "faiss"
    call_command("move_index", moved.slug, "--back")
    assert "No engine" in capsys.readouterr().out


def test_back_while_the_engine_is_away(moved, server, caplog):
    server.broken = True
    call_command("move_index", moved.slug, "--back")

    assert found(moved)[0] == "faiss"
    assert "stay in the engine" in caplog.text


def test_while_the_engine_is_away_postgresql_serves(moved, server, caplog):
    server.broken = True

    assert found(moved) == ("pgvector", found(moved)[1])
    assert found(moved)[1][0] == "d0"
    assert caplog.text.count("PostgreSQL searches instead") == 1, "it is left alone for a while"
    assert len(server.calls) == 1


def test_an_engine_that_was_emptied_hides_nothing(moved, server):
    with tenant_scope(moved.pk):
        engines.index_of(moved.pk).clear()

    assert found(moved) == ("pgvector", found(moved)[1])
    assert len(found(moved)[1]) == 3


def test_what_is_new_is_found_before_the_engine_knows_it(moved, add):
    add("new", "The battery of the new kind.")

    assert found(moved, "battery of the new kind") == ("qdrant", found(moved, "battery of the new kind")[1])
    assert found(moved, "battery of the new kind")[1][0] == "new"


def test_what_is_gone_is_not_cited_though_the_engine_knows_it(moved):
    with tenant_scope(moved.pk):
        services.archive(moved_documents("d0"), actor="a")

    assert "d0" not in found(moved)[1]


def moved_documents(*names):
    from knowledge.models import Document

    return list(Document.objects.filter(external_id__in=names))


def test_the_engine_follows(moved, add, server):
    add("new", "The battery of the new kind.")
    with tenant_scope(moved.pk):
        services.delete(moved_documents("d1", "d2"), actor="a")
    follow_engines(0)

    with tenant_scope(moved.pk):
        assert len(engines.index_of(moved.pk)) == 7
        assert ExternalIndex.objects.get().serves
    calls = len(server.calls)
    follow_engines(0)
    assert len(server.calls) == calls + 0, "nothing changed, so nothing is said"


def test_an_engine_that_is_away_is_followed_up_later(moved, add, server, caplog):
    add("new", "The battery of the new kind.")
    server.broken = True
    follow_engines(0)
    assert "vector engine" in caplog.text
    server.broken = False
    follow_engines(0)

    with tenant_scope(moved.pk):
        assert len(engines.index_of(moved.pk)) == 9


def test_under_a_filter_postgresql_is_asked(moved):
    index, documents = found(moved, filters=Filters(category="odd"))

    assert index == "pgvector"
    assert set(documents) <= {"d1", "d3", "d5", "d7"}
    assert len(documents) == 3


def test_nothing_is_asked_over_the_network_inside_of_a_scope(moved, monkeypatch):
    from tenants.scope import NoTenantScope, current_tenant_id

    original = QdrantIndex.search

    def watched(*values):
        with pytest.raises(NoTenantScope):
            current_tenant_id()
        return original(*values)

    monkeypatch.setattr(QdrantIndex, "search", watched)
    assert found(moved)[0] == "qdrant"


def test_another_tenant_is_served_as_before(moved, other_tenant):
    assert search(other_tenant.pk, "battery").passages == ()
