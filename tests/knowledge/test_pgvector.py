"""Candidates from PostgreSQL: exact, and never too few."""

import numpy as np
import pytest
from django.db import connection

from knowledge import services
from knowledge.indexes import pgvector
from knowledge.indexes.pgvector import nearest_chunks, nearest_snapshot, worded_snapshot
from knowledge.models import Document
from knowledge.retrieval.search import Filters, search
from tenants.scope import tenant_scope
from tests.knowledge.fake_embedder import mean

pytestmark = pytest.mark.django_db
WORDS = ["battery", "returns", "parcel", "warranty", "invoice", "island"]
QUERY = mean(["battery", "island"], 384)


@pytest.fixture
def shop(add, tenant, settings):
    settings.ASKWELL_INDEX = "pgvector"
    for n, word in enumerate(WORDS):
        add(f"d{n}", f"About {word} and {WORDS[n - 1]}.", metadata={"category": "odd" if n % 2 else "even"})
    return tenant


def test_candidates_are_the_nearest_of_all(shop):
    with tenant_scope(shop.pk):
        everything = nearest_snapshot(QUERY, k=100)
        best = nearest_snapshot(QUERY, k=2)
    _, whole = everything.sentence_scores(np.arange(len(everything)), QUERY)
    cosines, _ = everything.sentence_scores(np.arange(len(everything)), QUERY)

    assert len(everything) == len(WORDS) == len(whole)
    assert set(best.chunks.tolist()) == set(everything.chunks[np.argsort(-cosines)[:2]].tolist())


def test_copies_take_one_place_however_many_come_first(shop, add):
    for n in range(12):
        add(f"copy{n}", "About battery and island, the very same.")

    with tenant_scope(shop.pk):
        found = nearest_snapshot(QUERY, k=4)
    assert len(found) == len(set(found.fingerprints.tolist())) == 4
    assert len(search(shop.pk, "battery island", k=5).passages) == 5


@pytest.mark.parametrize("few", [0, 200])
def test_what_may_not_be_shown_takes_no_place_however_much_comes_first(shop, add, monkeypatch, few):
    """Whether vectors are looked at before documents, or those of few documents alone."""
    monkeypatch.setattr(pgvector, "FEW", few)
    for n in range(12):
        add(f"near{n}", f"About battery and island, number {n}.")
    with tenant_scope(shop.pk):
        services.archive(Document.objects.filter(external_id__startswith="near"), actor="a")
        found = nearest_chunks(QUERY, None, k=2, model="fake")
        among = nearest_chunks(QUERY, list(Document.objects.values_list("pk", flat=True)), k=2, model="fake")
        live = set(Document.objects.filter(state="live").values_list("chunks__pk", flat=True))
        none = nearest_chunks(QUERY, [], k=2, model="fake")

    assert len(found) == 2
    assert set(found) <= live
    assert among == found
    assert none == []


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("How long does the WARRANTY last?", "d3"),
        ("the parcel and the returns", "d2"),
        ("where does größe stand", "title"),
        ("電池はどのくらい", "cjk"),
        ("invoice " * 5_000, "d4"),
    ],
)
def test_without_vectors_those_with_most_of_the_words_come(shop, add, query, document):
    add("title", "Nothing else is said.", title="Größe")
    add("cjk", "この電池は長持ちします。")
    with tenant_scope(shop.pk):
        expected = Document.objects.get(external_id=document).pk
        assert expected in worded_snapshot(query, k=2).documents


@pytest.mark.parametrize("query", ["", "🙂", "x" * 8_000, "a.*(b", "%s", "the of and to"])
def test_without_vectors_and_words_there_are_passages_all_the_same(shop, query):
    with tenant_scope(shop.pk):
        assert len(worded_snapshot(query, k=3)) == 3
        assert len(worded_snapshot(query, [], k=3)) == 0


def test_what_changed_last_is_found_by_a_word_that_vectors_do_not_know(shop, add):
    new = add("new", "".join(f"Nothing of the kind {n}.\n\n" for n in range(3)) + "The quindle is blue.")
    with tenant_scope(shop.pk):
        found = nearest_snapshot(QUERY, k=1, latest=1, query="quindle")
        assert "quindle" in " ".join(new.chunks.filter(pk__in=found.chunks.tolist()).values_list("text", flat=True))


def test_what_changed_last_is_looked_at_in_any_case(shop, add):
    new = add("new", "Quindle of nothing that was ever heard of.")
    with tenant_scope(shop.pk):
        nearest = nearest_snapshot(QUERY, k=2)
        with_new = nearest_snapshot(QUERY, k=2, latest=1)

    assert new.pk not in nearest.documents
    assert new.pk in with_new.documents
    assert len(with_new) == 3


def test_a_filter_narrows_and_never_runs_short(shop):
    passages = search(shop.pk, "battery island", k=3, filters=Filters(category="odd")).passages

    assert {passage.document for passage in passages} == {"d1", "d3", "d5"}
    assert search(shop.pk, "battery", filters=Filters(category="none")).passages == ()


def test_no_approximate_index_can_get_in_between(shop):
    """Under a filter it returns fewer rows than were asked for; whoever adds one must see to that first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'knowledge_chunkvectors'")
        found = " ".join(row[0] for row in cursor.fetchall())

    assert found
    assert "hnsw" not in found
    assert "ivfflat" not in found
