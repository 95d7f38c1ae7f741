"""A tenant with documents, questions about them, and a gate."""

import pytest

from agents.releases.checking import check
from knowledge import ingestion, services
from knowledge.models import DocumentVersion, EvaluationCase, EvaluationSet, Release, ReleaseGate
from knowledge.retrieval.trial import trial_snapshots
from knowledge.sources import NewDocument
from tenants.scope import tenant_scope
from tests.knowledge.conftest import add, add_all, embedder, files  # noqa: F401 (fixtures)

TEXTS = {
    "returns": "You have thirty days to return an item.",
    "battery": "The battery lasts twelve hours.",
    "shipping": "Parcels arrive within two days.",
}
QUESTIONS = {
    "How many days to return an item?": "returns",
    "How many hours does the battery last?": "battery",
    "When do parcels arrive?": "shipping",
}


@pytest.fixture(autouse=True)
def forget():
    """No snapshot of a trial is left to the next test."""
    yield
    trial_snapshots.forget()


@pytest.fixture
def shop(add_all, tenant):  # noqa: F811 (the fixture)
    add_all(*({"external_id": name, "text": text, "title": name.capitalize()} for name, text in TEXTS.items()))
    return tenant


@pytest.fixture
def questions(shop):
    with tenant_scope(shop.pk):
        found = EvaluationSet.objects.create(name="FAQ")
        for question, document in QUESTIONS.items():
            EvaluationCase.objects.create(set=found, question=question, expected=[{"document": document}])
    return found


@pytest.fixture
def gate(shop, questions):
    with tenant_scope(shop.pk):
        return ReleaseGate.objects.create(enabled=True, set=questions, tolerance=0.02)


@pytest.fixture
def put(shop):
    """Adds texts by name, reads them, and returns their release; checks it unless told not to."""

    def put(*, checked=True, **texts):
        with tenant_scope(shop.pk):
            items = [NewDocument(external_id=name, text=text, title=name.capitalize()) for name, text in texts.items()]
            added = services.add_documents(items, actor="cora", enqueue=False)
        ingestion.ingest_versions(shop.pk, [one.version.pk for one in added if one.version])
        with tenant_scope(shop.pk):
            release = Release.objects.order_by("-pk").first()
        if release and checked:
            run_check(shop, release)
        return release

    return put


def run_check(tenant, release):
    """Carries the check out to its end."""
    for _ in range(20):
        if not check(tenant.pk, release.pk):
            break
    with tenant_scope(tenant.pk):
        release.refresh_from_db()
    return release


def state_of(tenant, name):
    with tenant_scope(tenant.pk):
        return DocumentVersion.objects.filter(document__external_id=name).order_by("-number").first().state
