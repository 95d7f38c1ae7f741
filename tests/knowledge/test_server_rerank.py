"""Reranking by a server: the protocol, what goes wrong, and that the built-in order stands then."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from knowledge.changes import record_search_change
from knowledge.models import SearchSettings
from knowledge.retrieval import server_rerank
from knowledge.retrieval.search import search
from knowledge.retrieval.server_rerank import RerankError, RerankServer, read_scores
from tenants.scope import tenant_scope
from tenants.secrets import seal

TEXTS = {"a": "Returns are free.", "b": "Returns take ten days.", "c": "Returns need a receipt."}


@pytest.fixture
def server():
    """A server that answers as the test says: `answer(request)` gives status and body; `asked` keeps the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            http.asked.append((self.path, dict(self.headers), body))
            status, data = http.answer(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # who asked may have given up
                self.wfile.write(data)

        def log_message(self, *_):
            """Nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.asked, http.answer = [], backwards
    http.url = f"http://127.0.0.1:{http.server_port}/v1/rerank"
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()
    server_rerank._resting.until.clear()


def backwards(body):
    """The last is the best."""
    results = [{"index": n, "relevance_score": n - 1.5} for n in range(len(body["documents"]))]
    return 200, json.dumps({"results": results[::-1]}).encode()


def ask(server, **values):
    fields = {"url": server.url, "model": "ranker", "key": "", "private": True} | values
    return RerankServer(**fields)("returns?", ["one", "two", "three"])


@pytest.fixture
def reranked(server, add, tenant):
    """A tenant whose passages a server puts in order."""
    for name, text in TEXTS.items():
        add(name, text)
    with tenant_scope(tenant.pk):
        SearchSettings.objects.create(
            reranker="server", rerank_url=server.url, rerank_model="ranker", rerank_sealed_key=seal("s3cret-key"),
            rerank_private=True,
        )  # fmt: skip
        record_search_change()
    return tenant


@pytest.mark.django_db
def test_the_server_decides_the_order(server, reranked):
    with tenant_scope(reranked.pk):
        SearchSettings.objects.update(reranker="none")
        record_search_change()
    before = [passage.document for passage in search(reranked.pk, "returns").passages]
    with tenant_scope(reranked.pk):
        SearchSettings.objects.update(reranker="server")
        record_search_change()

    result = search(reranked.pk, "returns", k=2)

    assert [passage.document for passage in result.passages] == before[::-1][:2]
    assert [passage.scores["rerank"] for passage in result.passages] == [0.5, -0.5]
    assert [passage.score for passage in result.passages] == [1.0, 0.75]
    assert result.note == ""
    path, headers, body = server.asked[-1]
    assert (path, headers["Authorization"]) == ("/v1/rerank", "Bearer s3cret-key")
    assert (body["model"], body["query"], body["top_n"], len(body["documents"])) == ("ranker", "returns", 3, 3)


@pytest.mark.django_db
def test_the_built_in_order_stands_where_the_server_fails(server, reranked):
    server.answer = lambda _: (500, b"<html>no</html>")
    result = search(reranked.pk, "returns", k=2)
    assert len(result.passages) == 2
    assert result.note == "The built-in order was kept: the server answered with status 500."
    assert "rerank" not in result.passages[0].scores
    asked = len(server.asked)
    assert "left alone" in search(reranked.pk, "returns").note
    assert len(server.asked) == asked


@pytest.mark.django_db
def test_no_transaction_is_open_while_the_server_is_asked(server, reranked, monkeypatch):
    from tenants.scope import NoTenantScope, current_tenant_id

    def send(self, query, texts):
        with pytest.raises(NoTenantScope):
            current_tenant_id()
        return [0.0] * len(texts)

    monkeypatch.setattr(RerankServer, "ask", send)
    assert search(reranked.pk, "returns").note == ""


@pytest.mark.django_db
@pytest.mark.parametrize("model", [True, False])
def test_a_model_that_is_handed_in_is_asked_where_the_tenant_wants_it(add, tenant, model):
    for name, text in TEXTS.items():
        add(name, text)
    with tenant_scope(tenant.pk):
        SearchSettings.objects.create(reranker="model" if model else "none")

    def rerank(query, texts):
        assert query == "returns"
        return [float("need a receipt" in text) for text in texts]

    result = search(tenant.pk, "returns", model=rerank)
    assert ("rerank" in result.passages[0].scores) == model
    if model:
        assert result.passages[0].document == "c"
        assert search(tenant.pk, "returns", model=lambda *_: [float("nan")] * 3).note
        assert search(tenant.pk, "returns", model=lambda *_: [1.0]).note
        assert search(tenant.pk, "returns").note == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"[]",
        b"null",
        b'{"results": null}',
        b'{"results": []}',
        b'{"results": [{"index": 0, "relevance_score": 1}]}',
        b'{"results": [{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 2}]}',
        b'{"results": [{"index": 0, "relevance_score": 1}, {"index": 2, "relevance_score": 2}]}',
        b'{"results": [{"index": -1, "relevance_score": 1}, {"index": 0, "relevance_score": 2}]}',
        b'{"results": [{"index": true, "relevance_score": 1}, {"index": 0, "relevance_score": 2}]}',
        b'{"results": [{"index": 0, "relevance_score": NaN}, {"index": 1, "relevance_score": 2}]}',
        b'{"results": [{"index": 0, "relevance_score": "high"}, {"index": 1, "relevance_score": 2}]}',
        b'{"results": [{"index": 0, "relevance_score": 1e999}, {"index": 1, "relevance_score": 2}]}',
        b'{"results": [0, 1]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_no_order(data):
    with pytest.raises(RerankError):
        read_scores(data, 2)


def test_an_answer_in_any_order_is_read():
    results = [{"index": 1, "relevance_score": -2.5, "document": {"text": "x"}}, {"index": 0, "relevance_score": 3}]
    assert read_scores(json.dumps({"results": results}).encode(), 2) == [3, -2.5]


def test_addresses_inside_are_asked_for_operators_alone(server, settings):
    settings.ASKWELL_PRIVATE_MODELS = False
    with pytest.raises(RerankError, match="public internet"):
        ask(server, private=False)
    assert not server.asked
    server_rerank._resting.until.clear()
    assert len(ask(server)) == 3


def test_a_slow_server_is_given_up(server, monkeypatch):
    monkeypatch.setattr(server_rerank, "TOTAL_SECONDS", 0.2)
    server.answer = lambda _: time.sleep(1) or (200, b"{}")
    started = time.monotonic()
    with pytest.raises(RerankError, match="longer"):
        ask(server)
    assert time.monotonic() - started < 0.9


def test_nobody_there_and_keys_that_cannot_be_read(server):
    with pytest.raises(RerankError, match="reached"):
        ask(server, url="http://127.0.0.1:9/rerank")
    with pytest.raises(RerankError, match="key"):
        RerankServer.of(SearchSettings(rerank_url=server.url, rerank_sealed_key="broken"))
