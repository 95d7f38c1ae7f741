"""The commands, as programs use them."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from knowledge.indexes.replica import replicas
from knowledge.models import Document, DocumentVersion
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
DOCUMENTS = [
    {
        "id": "returns",
        "title": "Returns",
        "text": "You have thirty days to return a laptop.",
        "metadata": {"category": "faq"},
    },
    {"id": "shipping", "title": "Shipping", "text": "Parcels arrive within two days."},
    {"id": "copy", "title": "Shipping", "text": "Parcels arrive within two days."},
]


@pytest.fixture(autouse=True)
def _fresh_replicas(tenant, files, embedder):
    replicas.forget(tenant.pk)
    yield
    replicas.forget(tenant.pk)


def run(*arguments, **options):
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, **options)
    return out.getvalue()


def lines(*arguments, **options):
    return [json.loads(line) for line in run(*arguments, "--json", **options).splitlines()]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(map(json.dumps, DOCUMENTS)))
    return path


def test_create_tenant():
    assert run("create_tenant", "blue-shop", "--language", "es") == "Created Blue Shop, at /blue-shop/\n"
    assert Tenant.objects.get(slug="blue-shop").language == "es"


@pytest.mark.parametrize("slug", ["acme", "admin", "Bad Slug", ""])
def test_create_tenant_refuses_what_is_taken_or_unfit(slug):
    with pytest.raises(CommandError):
        run("create_tenant", slug)


def test_ingest_reads_json_lines_and_counts_duplicates(tenant, corpus):
    *documents, summary = lines("ingest", "acme", corpus, "--wait")
    assert [(d["document"], d["state"], d["chunks"]) for d in documents] == [
        ("returns", "live", 1),
        ("shipping", "live", 1),
        ("copy", "live", 1),
    ]
    assert documents[1]["duplicates"] == ["copy"]
    assert summary["summary"] == {
        "documents": 3, "live": 3, "duplicates": 2, "seconds": summary["summary"]["seconds"],
    }  # fmt: skip
    with tenant_scope(tenant.pk):
        assert Document.objects.get(external_id="returns").category == "faq"


def test_ingest_again_does_nothing(corpus):
    run("ingest", "acme", corpus, "--wait")
    *_, summary = lines("ingest", "acme", corpus, "--wait")
    assert summary["summary"]["unchanged"] == 3


def test_ingest_walks_folders_and_goes_on_after_bad_files(tenant, tmp_path):
    folder = tmp_path / "docs"
    (folder / "de").mkdir(parents=True)
    (folder / "de" / "hilfe.md").write_text("# Hilfe\n\nDrücken Sie den Knopf.")
    (folder / "empty.txt").write_text("")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / ".hidden").write_text("never")
    (folder / "two.jsonl").write_text('{"id": "x", "text": "A text."}\nnot json\n')
    *documents, summary = lines("ingest", "acme", folder, tmp_path / "missing", "--wait")
    states = {d["document"]: d["state"] for d in documents}
    assert states == {
        "broken.pdf": "failed", "de/hilfe.md": "live", "empty.txt": "refused", "x": "live", "two.jsonl": "refused",
        str(tmp_path / "missing"): "refused",
    }  # fmt: skip
    assert all(d["error"] for d in documents if d["state"] in ("failed", "refused"))
    assert summary["summary"]["documents"] == 6


def test_ingest_without_wait_leaves_it_to_the_worker(tenant, corpus):
    assert {d.get("state") for d in lines("ingest", "acme", corpus)[:-1]} == {"queued"}
    with tenant_scope(tenant.pk):
        assert set(DocumentVersion.objects.values_list("state", flat=True)) == {"queued"}
    assert {d.get("state") for d in lines("ingest", "acme", corpus, "--wait")[:-1]} == {"live"}


def test_ingest_for_people_ends_with_a_summary(corpus):
    text = run("ingest", "acme", corpus, "--wait")
    assert "live      returns (1 passages)" in text
    assert text.splitlines()[-1].startswith("3 documents: 3 live (")


@pytest.mark.parametrize("command", [["ingest", "nobody", "x"], ["search", "nobody", "x"]])
def test_a_tenant_that_does_not_exist_is_named(command):
    with pytest.raises(CommandError, match="no tenant “nobody”"):
        run(*command)


def test_search_finds_documents_by_the_id_given_at_ingestion(corpus):
    run("ingest", "acme", corpus, "--wait")
    [found] = lines("search", "acme", "return a laptop", "--k", "2")
    assert set(found) == {"query", "hits", "ms", "index"}
    assert len(found["hits"]) == 2
    assert set(found["hits"][0]) == {"document", "title", "chunk", "score", "span"}
    assert (found["hits"][0]["document"], found["hits"][0]["title"]) == ("returns", "Returns")
    assert found["hits"][0]["span"] == [0, len(DOCUMENTS[0]["text"])]


def test_search_answers_a_file_of_queries(corpus, tmp_path):
    run("ingest", "acme", corpus, "--wait")
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "q1", "text": "return a laptop"}\n{"id": "q2", "text": "parcels arrive"}\n')
    found = lines("search", "acme", "--queries", queries)
    assert [(f["id"], f["hits"][0]["title"]) for f in found] == [("q1", "Returns"), ("q2", "Shipping")]


def test_search_in_an_empty_tenant_finds_nothing():
    [found] = lines("search", "acme", "anything")
    assert found["hits"] == []


@pytest.mark.parametrize("arguments", [[], ["a", "--queries", "b"], ["a", "--k", "0"], ["--queries", "missing"]])
def test_search_explains_wrong_use(arguments):
    with pytest.raises(CommandError):
        run("search", "acme", *arguments)


def test_evaluate_ingests_first_and_measures(corpus, tmp_path):
    queries, qrels = tmp_path / "q.jsonl", tmp_path / "r.jsonl"
    queries.write_text('{"id": "q1", "text": "return a laptop"}\n{"id": "q2", "text": "nobody judged this"}\n')
    qrels.write_text('{"query": "q1", "document": "returns", "relevance": 1}\n')
    [found] = lines("evaluate", "acme", "--queries", queries, "--qrels", qrels, "--documents", corpus)
    assert (found["metrics"]["recall@1"], found["metrics"]["precision@5"], found["queries"]) == (1.0, 0.2, 1)
    assert set(found["latency_ms"]) == {"p50", "p95"}
    [again] = lines("evaluate", "acme", "--queries", queries, "--qrels", qrels, "--documents", corpus)
    assert again["metrics"] == found["metrics"]


def test_evaluate_explains_a_file_it_cannot_use(tmp_path):
    (tmp_path / "bad").write_text("{")
    with pytest.raises(CommandError, match="line 1"):
        run("evaluate", "acme", "--queries", tmp_path / "bad", "--qrels", tmp_path / "bad")
