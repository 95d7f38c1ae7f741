"""Searching a tenant: what is found, by either index, and what never is."""

import datetime as dt

import numpy as np
import pytest
from django.utils import timezone

from knowledge import services
from knowledge.indexes.replica import replicas
from knowledge.models import Chunk, Document
from knowledge.retrieval.search import Filters, search
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
TEXTS = {
    "battery": "The battery lasts twelve hours. Charge it overnight.",
    "returns": "You have thirty days to return an item. Returns are free.",
    "shipping": "Parcels arrive within two days. Islands take a week.",
    "warranty": "The warranty covers two years. Batteries are covered for one year.",
}


@pytest.fixture(autouse=True, params=["faiss", "pgvector"])
def index(request, settings) -> str:
    settings.ASKWELL_INDEX = request.param
    return request.param


@pytest.fixture
def shop(add_all, tenant):
    add_all(*({"external_id": name, "text": text, "title": name.capitalize()} for name, text in TEXTS.items()))
    return tenant


def found(tenant, query: str, **options) -> list[str]:
    return [passage.document for passage in search(tenant.pk, query, **options).passages]


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("How many hours does the battery last?", "battery"),
        ("return an item", "returns"),
        ("parcels to islands", "shipping"),
        ("warranty years", "warranty"),
    ],
)
def test_the_right_document_comes_first(shop, index, query, document):
    result = search(shop.pk, query)

    assert result.passages[0].document == document
    assert result.index == index
    assert result.documents == 4
    assert result.query == query
    assert result.ms > 0


def test_a_passage_has_all_that_an_answer_needs(shop):
    passage = search(shop.pk, "battery hours").passages[0]

    assert passage.text == TEXTS["battery"]
    assert (passage.start, passage.end, passage.page) == (0, len(passage.text), None)
    assert [passage.text[a:b] for a, b in passage.sentences] == [
        "The battery lasts twelve hours.",
        "Charge it overnight.",
    ]
    assert passage.sentence_vectors.shape == (2, 384)
    np.testing.assert_allclose(np.linalg.norm(passage.sentence_vectors, axis=1), 1, atol=1e-3)
    assert passage.tokens.shape == (len(passage.token_ids), 64)
    assert set(passage.token_sentences.tolist()) == {0, 1}
    assert passage.context == passage.text
    assert set(passage.scores) == {"lexical", "dense", "fused", "cosine", "interaction"}
    assert passage.title == "Battery"


def test_context_is_the_section_around(add, tenant):
    words = " ".join(f"Sentence {n} of the manual is about something." for n in range(60))
    add("manual", data=f"# Manual\n\nIntro.\n\n## Care\n\n{words}\n".encode(), filename="m.md")

    passage = search(tenant.pk, "sentence 7").passages[0]

    assert passage.heading_path == ("Manual", "Care")
    assert passage.text in passage.context
    assert len(passage.context) > len(passage.text)


def test_scores_fall_and_k_bounds(shop):
    result = search(shop.pk, "battery warranty", k=3)

    scores = [passage.score for passage in result.passages]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_more_than_the_rerank_looks_at(add, tenant):
    for n in range(40):
        add(f"d{n}", f"Article {n} is about widgets of kind {n}.")

    result = search(tenant.pk, "widgets of kind 17", k=35)

    assert len(result.passages) == 35
    assert result.passages[0].document == "d17"
    scores = [passage.score for passage in result.passages]
    assert scores == sorted(scores, reverse=True)


def test_answerability_tells_own_questions_from_others(shop):
    own = search(shop.pk, "You have thirty days to return an item").answerability
    other = search(shop.pk, "Who painted the ceiling in Rome?").answerability

    assert own > 0.8
    assert other < 0.5


def test_nothing_of_another_tenant_is_found(shop, other_tenant):
    result = search(other_tenant.pk, "battery")

    assert result.passages == ()
    assert result.answerability == 0
    assert result.documents == 0


def test_what_is_archived_is_gone_at_once(shop):
    assert found(shop, "battery hours")[0] == "battery"
    with tenant_scope(shop.pk):
        services.archive(Document.objects.filter(external_id="battery"), actor="a")

    assert "battery" not in found(shop, "battery hours")


def test_a_stale_replica_neither_leaks_nor_runs_short(shop):
    """The documents' state changes behind the replica's back: no version tells it."""
    search(shop.pk, "battery")
    with tenant_scope(shop.pk):
        Document.objects.filter(external_id="battery").update(state=Document.State.ARCHIVED)
        Chunk.objects.filter(document__external_id="returns").update(enabled=False)

    assert set(found(shop, "battery returns", k=2)) == {"warranty", "shipping"}


def test_validity_is_looked_at_when_asked(shop):
    search(shop.pk, "battery")
    yesterday = timezone.now().date() - dt.timedelta(days=1)
    with tenant_scope(shop.pk):
        Document.objects.filter(external_id="battery").update(valid_until=yesterday)
        Document.objects.filter(external_id="returns").update(valid_from=yesterday)

    assert set(found(shop, "battery returns")) == {"returns", "warranty", "shipping"}


def test_what_is_added_is_found_at_once(shop, add):
    search(shop.pk, "battery")
    add("gift", "Gift cards never expire.")

    assert found(shop, "gift cards")[0] == "gift"


def test_filters_narrow_the_search(shop, add):
    add("partners", "The battery of partners lasts longer.", metadata={"audience": "partners", "category": "power"})

    assert found(shop, "battery", filters=Filters(audience="partners")) == ["partners"]
    assert found(shop, "battery", filters=Filters(audience="partners", category="none")) == []
    assert len(found(shop, "battery")) == 5


def test_copies_of_a_passage_are_found_once(shop, add):
    add("copy", TEXTS["battery"], title="Battery")

    results = found(shop, "battery hours")
    assert len({"copy", "battery"} & set(results)) == 1


def test_a_misspelt_question_is_understood_and_says_so(shop, index, monkeypatch):
    monkeypatch.setattr("tests.knowledge.fake_embedder.FakeEmbedder.count_pieces", lambda _, text: len(text))

    result = search(shop.pk, "How many huors does the Batetry last?")

    assert result.query == "How many huors does the Batetry last?"
    if index == "faiss":
        assert result.corrected == "How many hours does the Battery last?"
        assert result.passages[0].document == "battery"
        assert search(shop.pk, "battery hours").corrected == ""


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "?",
            "\0",
            "\ud800",
            "🙂🙂",
            "x",
            "x" * 100_000,
            "' OR 1=1 --",
            "%s %d {}",
            "the of and to",
            "Где мой заказ?",
        ),
        *("電池はどのくらい", "word " * 10_000, "Where is my order? " * 2_000, "It broke. I want it fixed! " * 500),
    ],
)
def test_odd_queries_are_answered(shop, query):
    assert len(search(shop.pk, query).passages) == 4


def test_any_number_of_passages_may_be_asked_for(shop):
    assert found(shop, "battery", k=0) == []
    assert len(found(shop, "battery", k=10_000)) == 4


def test_vectors_of_another_model_are_not_compared(shop, embedder, index):
    replicas.forget(shop.pk)
    embedder.name = "another"

    result = search(shop.pk, "battery")

    assert result.index == "words"
    assert result.passages[0].document == "battery"
    assert not any(passage.sentence_vectors.any() for passage in result.passages)


def test_no_transaction_is_open_while_the_query_is_encoded(shop, embedder, monkeypatch):
    from tenants.scope import NoTenantScope, current_tenant_id

    def encode(query: str):
        with pytest.raises(NoTenantScope):
            current_tenant_id()
        return type(embedder).encode_query(embedder, query)

    monkeypatch.setattr(embedder, "encode_query", encode, raising=False)

    assert found(shop, "battery")


def test_a_warm_search_reads_rows_once(shop, settings, django_assert_max_num_queries):
    settings.ASKWELL_INDEX = "faiss"
    search(shop.pk, "battery")

    with django_assert_max_num_queries(9) as captured:
        search(shop.pk, "returns")

    assert sum("knowledge_" in query["sql"] for query in captured.captured_queries) == 1
