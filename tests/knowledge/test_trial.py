"""A search as it would be after a change, which nobody else sees anything of."""

import pytest

from knowledge import services
from knowledge.models import Chunk, Document, DocumentVersion, KnowledgeState
from knowledge.publishing import delete_chunks
from knowledge.retrieval.search import search
from knowledge.retrieval.trial import Trial, trial_snapshots
from knowledge.retrieval.weights import Weights
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=["faiss", "pgvector"])
def index(request, settings):
    settings.ASKWELL_INDEX = request.param
    yield
    trial_snapshots.forget()


def found(tenant, query, **options):
    return [(passage.document, passage.text) for passage in search(tenant.pk, query, **options).passages]


@pytest.fixture
def draft(add, tenant):
    """A version that is read and not live, of a document with another one that is."""
    add("shipping", "Parcels arrive within two days.")
    document = add("returns", "You have thirty days to return an item.")
    with tenant_scope(tenant.pk):
        live = DocumentVersion.objects.get(document=document)
    add("returns", "You have ninety days to return an item.")
    with tenant_scope(tenant.pk):
        newer = document.versions.exclude(pk=live.pk).get()
        DocumentVersion.objects.filter(pk=newer.pk).update(state=DocumentVersion.State.HELD)
        DocumentVersion.objects.filter(pk=live.pk).update(state=DocumentVersion.State.LIVE)
        document.refresh_from_db()
        document.current = live
        document.save()
        copies = [(chunk.pk, chunk) for chunk in Chunk.objects.filter(version=newer)]
        assert len(copies) == 1
    return newer


@pytest.mark.parametrize(
    ("candidate", "trial"),
    [
        ({}, None),
        ({"prompt": 3}, None),
        ({"drafts": []}, None),
        ({"drafts": [5, 2]}, Trial(drafts=(2, 5))),
        ({"embedding": "other"}, Trial(embedding="other")),
        ({"weights": {"dense": 0.3}}, Trial(weights=Weights(dense=0.3))),
        ({"weights": {}}, Trial(weights=Weights())),
    ],
)
def test_a_trial_is_made_of_what_a_run_asks_for(candidate, trial):
    assert Trial.of(candidate) == trial


def test_a_draft_takes_the_place_of_what_is_live(draft, tenant):
    trial = Trial(drafts=(draft.pk,))
    assert found(tenant, "days to return an item", trial=trial)[0] == (
        "returns",
        "You have ninety days to return an item.",
    )
    texts = [text for _, text in found(tenant, "days to return an item", trial=trial)]
    assert "You have thirty days to return an item." not in texts
    assert "Parcels arrive within two days." in texts
    assert search(tenant.pk, "days", trial=trial).index == "trial"


def test_nobody_else_sees_the_draft(draft, tenant):
    search(tenant.pk, "days to return an item", trial=Trial(drafts=(draft.pk,)))
    assert "ninety" not in str(found(tenant, "ninety days to return an item"))
    assert "ninety" not in str(found(tenant, "ninety days to return an item", trial=Trial(weights=Weights(dense=1.0))))


def test_what_is_archived_meanwhile_is_not_found_by_a_trial(draft, tenant):
    trial = Trial(drafts=(draft.pk,))
    assert len(found(tenant, "days", trial=trial)) == 2
    with tenant_scope(tenant.pk):
        services.archive(Document.objects.filter(external_id="shipping"), actor="a")
    assert [name for name, _ in found(tenant, "days", trial=trial)] == ["returns"]


def test_a_draft_that_is_gone_is_found_no_more(draft, tenant):
    from django.db.models import Q

    trial = Trial(drafts=(draft.pk,))
    assert found(tenant, "ninety days", trial=trial)
    with tenant_scope(tenant.pk):
        delete_chunks(Q(version=draft.pk))
    assert "ninety" not in str(found(tenant, "ninety days", trial=trial))


def test_the_snapshot_is_made_once_for_all_questions(draft, tenant, monkeypatch):
    from knowledge.retrieval import trial as module

    calls = []
    make = module._with_drafts
    monkeypatch.setattr(module, "_with_drafts", lambda *args: calls.append(args) or make(*args))
    trial = Trial(drafts=(draft.pk,))
    for question in ("a", "b", "c"):
        search(tenant.pk, question, trial=trial)
    assert len(calls) == 1
    with tenant_scope(tenant.pk):
        KnowledgeState.objects.update(version=1000)
    search(tenant.pk, "d", trial=trial)
    assert len(calls) == 2


def test_another_tenants_draft_is_no_draft_here(draft, other_tenant):
    assert found(other_tenant, "ninety days", trial=Trial(drafts=(draft.pk,))) == []
