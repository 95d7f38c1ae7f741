"""The embedder behind a server, with a scripted server on a real socket."""

import json
import math
import time

import numpy as np
import pytest

from knowledge.embedding import connections, provider
from knowledge.embedding.base import EmbedderAwayError, EmbedderError, PassageInput
from knowledge.embedding.connections import connect_as_configured, connect_to
from knowledge.embedding.provider import ProviderEmbedder
from tests.knowledge.embedding_server import KEY, Script, embedding_server

HTML = b"<!doctype html><title>Welcome</title>"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(provider, "PAUSE", 0.01)
    with embedding_server(Script()) as script:
        yield script


@pytest.fixture
def embedder(server) -> ProviderEmbedder:
    return ProviderEmbedder("m", connect_to(server.url, KEY, private=True), name="ours")


def test_vectors_are_units_in_the_order_of_the_texts(server, embedder) -> None:
    server.change = lambda items: items[::-1]
    texts = [f"word{n} other{n}" for n in range(150)]

    vectors = embedder.encode_texts(texts)

    assert vectors.shape == (150, 48)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [server.vector(text) for text in texts], atol=1e-6)
    assert sorted(server.batches) == [22, 64, 64]


def test_a_request_holds_so_many_letters(server, embedder, monkeypatch) -> None:
    monkeypatch.setattr(provider, "BATCH_LETTERS", 100)

    assert len(embedder.encode_texts(["a" * 40] * 5)) == 5
    assert sorted(server.batches) == [1, 2, 2]


def test_passages_have_a_vector_per_sentence_and_no_tokens(server, embedder) -> None:
    with_two, with_none = embedder.encode_passages(
        [PassageInput("T", "One two. Three.", ((0, 8), (9, 15))), PassageInput("", "Four")]
    )

    assert with_two.sentences.shape == (2, 48)
    assert with_none.sentences.shape == (1, 48)
    assert with_two.tokens.shape == (0, 64)
    np.testing.assert_allclose(with_two.paragraph, server.vector("T. One two. Three."), atol=1e-6)


def test_a_query_says_how_long_vectors_are_and_is_remembered(server, embedder) -> None:
    assert embedder.dimensions == len(embedder.encode_query("hello").vector) == 48
    assert embedder.encode_query("hello") is embedder.encode_query("hello")
    assert len(server.batches) == 2


def test_an_empty_text_is_not_sent_as_such(server, embedder) -> None:
    server.vector = lambda text: [1.0, 2.0] if text.strip() else []

    assert embedder.encode_texts(["", " "]).shape == (2, 2)
    assert embedder.encode_texts([]).shape == (0, 2)


def each(change):
    """Does something to the first vector of an answer."""

    def changed(items: list[dict]) -> list[dict]:
        items[0] = {**items[0], "embedding": change(items[0]["embedding"])}
        return items

    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda items: items[: len(items) // 2], "1 vectors for 2"),
        (lambda _: [], "0 vectors for 2"),
        (lambda items: [items[0], items[0]], "one twice"),
        (lambda items: [*items, items[0]], "3 vectors for 2"),
        (lambda items: [{**item, "index": item["index"] + 1} for item in items], "none was kept"),
        (each(lambda v: v[:-1]), "different lengths"),
        (each(lambda v: [math.nan, *v[1:]]), "NaN"),
        (each(lambda v: [math.inf, *v[1:]]), "NaN"),
        (each(lambda v: [0.0] * len(v)), "zeros"),
        (each(lambda v: ["x", *v[1:]]), "something else than numbers"),
        (each(lambda v: [None, *v[1:]]), "NaN"),
        (each(lambda _: "AAAA"), "without vectors"),
        (lambda items: [{**item, "embedding": []} for item in items], "0 numbers"),
    ],
)  # fmt: skip
def test_a_wrong_answer_gives_no_vectors_at_all(server, embedder, change, said) -> None:
    server.change = change

    with pytest.raises(EmbedderError, match=said) as caught:
        embedder.encode_texts(["a", "b"])
    assert not isinstance(caught.value, EmbedderAwayError)
    assert len(server.batches) == 1


def test_large_and_small_numbers_are_numbers(server, embedder) -> None:
    server.vector = lambda text: [3e200, 4e200] if text == "large" else [3e-200, 4e-200]

    np.testing.assert_allclose(embedder.encode_texts(["large", "small"]), [[0.6, 0.8]] * 2, atol=1e-6)


def test_another_dimension_than_before_is_refused(server, embedder) -> None:
    embedder.encode_texts(["a"])
    server.dimensions = 32

    with pytest.raises(EmbedderError, match="32 numbers; those of this model had 48"):
        embedder.encode_texts(["b"])
    told = ProviderEmbedder("m", connect_to(server.url, KEY, private=True), dimensions=16)
    with pytest.raises(EmbedderError, match="32 numbers; those of this model had 16"):
        told.encode_query("c")


@pytest.mark.parametrize("body", [HTML, b"", b"[]", b'{"data": 3}', b'{"data": [[1.0]]}', b'"\xff"'])
def test_what_is_no_answer_says_so(server, embedder, body) -> None:
    server.says(body, "text/html" if body is HTML else "application/json")

    with pytest.raises(EmbedderError, match="address"):
        embedder.encode_texts(["a"])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again(server, embedder, status) -> None:
    server.fails(status, times=2)

    assert embedder.encode_texts(["a"]).shape == (1, 48)
    assert len(server.batches) == 3


def test_what_does_not_pass_is_an_error_after_a_few_tries(server, embedder) -> None:
    server.fails(429, "slow down", retry_after="0")

    with pytest.raises(EmbedderAwayError, match=r"no more requests.*slow down"):
        embedder.encode_texts(["a"])
    assert len(server.batches) == provider.TRIES


def test_what_cannot_pass_is_not_tried_again(server, embedder) -> None:
    server.fails(404, "no such model")

    with pytest.raises(EmbedderError, match="no such model"):
        embedder.encode_texts(["a"])
    assert len(server.batches) == 1


def test_the_key_is_never_told(server) -> None:
    wrong = ProviderEmbedder("m", connect_to(server.url, KEY[:-1], private=True))

    with pytest.raises(EmbedderError, match="refuses the key") as caught:
        wrong.encode_texts(["a"])
    assert KEY[:-1] not in str(caught.value)


def test_a_question_is_asked_once_and_then_the_server_is_left_alone(server, embedder) -> None:
    server.fails(500, times=1)

    with pytest.raises(EmbedderAwayError):
        embedder.encode_query("a")
    with pytest.raises(EmbedderAwayError, match="a moment ago"):
        embedder.encode_query("b")
    assert len(server.batches) == 1


def test_a_slow_server_is_waited_for_only_so_long(server, embedder, monkeypatch) -> None:
    monkeypatch.setattr(provider, "QUERY_SECONDS", 0.1)
    server.wait = 2.0
    started = time.monotonic()

    with pytest.raises(EmbedderAwayError, match="in time"):
        embedder.encode_query("a")
    assert time.monotonic() - started < 1.0


def test_an_answer_that_drips_is_cut_off(server, embedder, monkeypatch) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    server.trickle = 0.05

    with pytest.raises(EmbedderError, match="did not come to an end"):
        embedder.encode_query("a")


def test_a_huge_answer_is_cut_off(server, embedder, monkeypatch) -> None:
    monkeypatch.setattr(connections, "MAX_BODY", 10_000)
    server.says(json.dumps({"data": ["x" * 50_000]}).encode())

    with pytest.raises(EmbedderError, match="far more than vectors"):
        embedder.encode_texts(["a"])


def test_nobody_listens(server, embedder) -> None:
    gone = ProviderEmbedder("m", connect_to("http://127.0.0.1:9/v1", KEY, private=True))

    with pytest.raises(EmbedderAwayError, match="No embedding server listens"):
        gone.encode_query("a")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
def test_addresses_of_owners_lead_to_the_public_internet_alone(server, host) -> None:
    port = server.url.split(":")[2].split("/")[0]
    inside = ProviderEmbedder("m", connect_to(f"http://{host}:{port}/v1", KEY, private=False))

    with pytest.raises(EmbedderError, match="public internet"):
        inside.encode_query("a")
    assert not server.batches


def test_no_key_and_no_address_say_what_to_do() -> None:
    with pytest.raises(EmbedderError, match="OPENAI_API_KEY"):
        connect_as_configured("", "")

    assert connect_as_configured("", "http://server.test/v1").base_url.host == "server.test"
