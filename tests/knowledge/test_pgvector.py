"""Candidates from PostgreSQL: exact, and never too few."""

import numpy as np
import pytest
from django.db import connection

from knowledge.indexes.pgvector import nearest_snapshot
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
