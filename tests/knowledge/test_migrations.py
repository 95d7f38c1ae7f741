"""Migrations that change what rows hold, on rows of the old form: there, and back again."""

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from knowledge.indexes.buffers import unpack_numbers, unpack_sentences, unpack_tokens
from knowledge.models import ChunkVectors
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
BEFORE, AFTER = ("knowledge", "0007_vector_drift"), ("knowledge", "0008_smaller_vectors")


def migrate(*targets):
    """Takes the database there, inside the test's transaction; returns the models as they are then."""
    connection.check_constraints()  # a table cannot be altered while some of its rows are still to be checked
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps


def as_old(row):
    """What the old form of a row would hold: float16 sentences, int32 and int16 numbers."""
    sentences = np.frombuffer(row.sentences, np.float16).reshape(-1, len(row.paragraph))
    return sentences, np.frombuffer(row.token_ids, np.int32), np.frombuffer(row.token_sentences, np.int16)


@pytest.fixture
def latest():
    """The leaves of all apps, to come back to."""
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


def test_vectors_become_smaller_and_go_back(add, tenant, latest):
    """An installation of the old form is made by the way back, and changed; what it says is still there after both."""
    add("returns", "You have thirty days to return a laptop. Opened boxes are fine.", title="Returns")
    add("shipping", "Parcels arrive within two days.", title="Shipping")
    with tenant_scope(tenant.pk):
        new = {row.pk: row for row in ChunkVectors.objects.all()}

    old = migrate(BEFORE).get_model("knowledge", "ChunkVectors")
    with tenant_scope(tenant.pk):
        rows = list(old.objects.all())
        assert {row.pk for row in rows} == set(new)
        for row in rows:
            sentences, token_ids, token_sentences = as_old(row)
            exact = unpack_sentences(new[row.pk].sentences, len(row.paragraph)).astype(np.float32)
            exact /= np.linalg.norm(exact, axis=1, keepdims=True)
            np.testing.assert_allclose(sentences, exact, atol=1e-3)
            np.testing.assert_array_equal(token_ids, unpack_numbers(new[row.pk].token_ids))
            tokens = np.frombuffer(row.tokens, np.int8).reshape(-1, 64)
            np.testing.assert_array_equal(tokens, unpack_tokens(new[row.pk].tokens))
            np.testing.assert_array_equal(token_sentences, unpack_numbers(new[row.pk].token_sentences))
            row.token_ids = np.asarray([5, 300, 70_000], np.int32).tobytes()
            row.token_sentences = np.asarray([0, 0, 1], np.int16).tobytes()
            row.save(update_fields=["token_ids", "token_sentences"])

    migrate(*latest)
    with tenant_scope(tenant.pk):
        for row in ChunkVectors.objects.all():
            before = unpack_sentences(new[row.pk].sentences, len(row.paragraph))
            np.testing.assert_allclose(unpack_sentences(row.sentences, before.shape[1]), before, atol=1)
            assert bytes(row.tokens) == bytes(new[row.pk].tokens)
            assert unpack_numbers(row.token_ids).tolist() == [5, 300, 70_000]
            assert unpack_numbers(row.token_sentences).tolist() == [0, 0, 1]
            row.token_ids, row.token_sentences = new[row.pk].token_ids, new[row.pk].token_sentences
            row.save()
    assert search(tenant.pk, "days to return a laptop").passages[0].document == "returns"
