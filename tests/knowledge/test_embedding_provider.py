"""The embedder behind a server, with a scripted server."""

import json

import httpx2
import numpy as np
import openai
import pytest

from knowledge.embedding.base import EmbedderError, PassageInput
from knowledge.embedding.provider import ProviderEmbedder, connect


def embedder(answer) -> ProviderEmbedder:
    """With a server whose vectors `answer(texts)` makes."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        texts = json.loads(request.content)["input"]
        data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(answer(texts))]
        body = {"object": "list", "model": "m", "data": data[::-1], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        return httpx2.Response(200, json=body)

    client = httpx2.Client(transport=httpx2.MockTransport(handle))
    return ProviderEmbedder("m", openai.OpenAI(api_key="k", base_url="http://server.test/v1", http_client=client))


def by_length(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0, 0.0] for text in texts]


def test_vectors_are_units_in_the_order_of_the_texts() -> None:
    vectors = embedder(by_length).encode_texts(["a" * n for n in range(1, 151)])

    assert vectors.shape == (150, 3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (np.diff(vectors[:, 0]) > 0).all()


def test_passages_have_a_vector_per_sentence_and_no_tokens() -> None:
    with_two, with_none = embedder(by_length).encode_passages(
        [PassageInput("T", "One two. Three.", ((0, 8), (9, 15))), PassageInput("", "Four")]
    )

    assert with_two.sentences.shape == (2, 3)
    assert with_none.sentences.shape == (1, 3)
    assert with_two.tokens.shape == (0, 64)
    assert with_two.paragraph[0] == pytest.approx(18 / np.hypot(18, 1), abs=1e-6)


def test_a_query_says_how_long_vectors_are() -> None:
    server = embedder(by_length)

    assert server.dimensions == len(server.encode_query("hello").vector) == 3


def test_an_empty_text_is_not_sent_as_such() -> None:
    def strict(texts: list[str]) -> list[list[float]]:
        assert all(text.strip() for text in texts)
        return by_length(texts)

    assert embedder(strict).encode_texts(["", " "]).shape == (2, 3)


@pytest.mark.parametrize("answer", [lambda _: [], lambda _: [[1.0], [1.0, 2.0]], lambda _: [[1.0]]])
def test_a_wrong_answer_is_an_error(answer) -> None:
    with pytest.raises(EmbedderError):
        embedder(answer).encode_texts(["a", "b"])


def test_no_key_and_no_address_say_what_to_do() -> None:
    with pytest.raises(EmbedderError, match="OPENAI_API_KEY"):
        connect("", "")

    assert connect("", "http://server.test/v1").base_url.host == "server.test"


def test_a_broken_server_is_an_error() -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(400, json={"error": "no model"})))
    server = ProviderEmbedder("m", openai.OpenAI(api_key="k", base_url="http://server.test/v1", http_client=client))

    with pytest.raises(EmbedderError, match="did not answer"):
        server.encode_texts(["a"])
