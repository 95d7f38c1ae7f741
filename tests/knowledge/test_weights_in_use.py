"""The weights of the search settings, saved as an owner does: what searches find by them, and what runs measure."""

import pytest

from agents.releases.checking import check
from knowledge.evaluation.runs import carry_out, create_run
from knowledge.models import EvaluationCase, EvaluationSet, Release, ReleaseGate, SearchSettings
from knowledge.retrieval.search import search
from knowledge.retrieval.trial import trial_snapshots
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
QUERY = "kestrel permit"
WORDS_DOCUMENT = "A kestrel needs a permit " + "and much else that is written here at some length " * 4
NEAR_DOCUMENT = "\n\n".join(f"# Part {name}\n\nKestrel {name}." for name in ("one", "two", "three"))
WANTED = {"document": "words", "quote": "A kestrel needs a permit"}


@pytest.fixture
def shop(add, tenant, alice, client):
    """Documents of which words and meaning prefer different ones, and an owner who is signed in."""
    add("words", WORDS_DOCUMENT, title="Words")
    add("near", NEAR_DOCUMENT, title="Near")
    for number in range(12):
        add(f"other{number}", f"A permit of kind {number} is asked for at counter {number}.", title=f"Other {number}")
    client.force_login(alice)
    yield tenant
    trial_snapshots.forget()


@pytest.fixture
def save(shop, client):
    """Saves the settings on their page."""

    def save(**values):
        with tenant_scope(shop.pk):
            row = SearchSettings.objects.first() or SearchSettings.objects.create()
        data = {"spelling": "on", "diversity": "0", "reranker": "none"} | values
        assert client.post(f"/admin/knowledge/searchsettings/{row.pk}/change/", data).status_code == 302

    return save


def place(tenant):
    """The place of the passage that has both words, from 1."""
    documents = [passage.document for passage in search(tenant.pk, QUERY).passages]
    return documents.index("words") + 1


def measured(tenant, candidate=None):
    """One over the place, as a run of the one question finds it; of what serves, or of a candidate."""
    with tenant_scope(tenant.pk):
        EvaluationSet.objects.all().delete()
        made = EvaluationSet.objects.create(name="Basics")
        EvaluationCase.objects.create(set=made, question=QUERY, expected=[WANTED])
        run = create_run(evaluation_set=made, candidate=candidate or {}, label="", with_answers=False, actor="a")
    carry_out(tenant.pk, run.pk)
    with tenant_scope(tenant.pk):
        run.refresh_from_db()
    return run.metrics["mrr@10"]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"dense": 1.0, "rerank": 0.0, "diversity": 0.0}, {"dense": 0.0, "rerank": 0.0, "diversity": 0.0}),
        ({"dense": 0.0, "rerank": 0.0, "diversity": 0.0}, {"dense": 0.0, "rerank": 1.0, "diversity": 0.0}),
        ({"dense": 0.0, "rerank": 0.0, "diversity": 0.0}, {"dense": 0.0, "rerank": 0.0, "diversity": 0.9}),
    ],
    ids=["dense", "rerank", "diversity"],
)
def test_each_weight_changes_what_searches_and_runs_find(shop, save, worse, better):
    places = []
    for weights in (worse, better):
        save(dense_weight=weights["dense"], rerank_weight=weights["rerank"], diversity=weights["diversity"])
        places.append(place(shop))
        assert measured(shop) == pytest.approx(1 / places[-1])
    assert places[0] > places[1]
    assert measured(shop, {"weights": worse}) == pytest.approx(1 / places[0])  # tried beside what serves
    assert place(shop) == places[1]


def test_variety_is_not_seen_where_documents_count_once(shop, save):
    found = []
    for diversity in (0.0, 0.9):
        save(dense_weight=0.0, rerank_weight=0.0, diversity=diversity)
        documents = [passage.document for passage in search(shop.pk, QUERY).passages]
        found.append(list(dict.fromkeys(documents))[:2])
    assert found[0] == found[1] == ["near", "words"]


def test_with_the_gate_on_each_weight_waits(shop, save):
    with tenant_scope(shop.pk):
        made = EvaluationSet.objects.create(name="Basics")
        EvaluationCase.objects.create(set=made, question=QUERY, expected=[WANTED])
        ReleaseGate.objects.create(enabled=True, set=made)
    save(diversity=0.5)
    with tenant_scope(shop.pk):
        [release] = Release.objects.all()
        assert release.change == {"weights": {"dense": None, "rerank": None, "diversity": 0.5}}
        assert SearchSettings.objects.get().diversity == 0
    while check(shop.pk, release.pk):
        pass
    with tenant_scope(shop.pk):
        assert SearchSettings.objects.get().diversity == 0.5
