"""What a chunk is found by is embedded with it, as its last sentence."""

import numpy as np
import pytest

from knowledge.embedding.passages import Embedded, encode_chunks
from knowledge.models import ChunkKind
from tests.knowledge.fake_embedder import FakeEmbedder

pytestmark = pytest.mark.unit
TEXT = "Within 30 days. It is free."
SENTENCES = ((0, 15), (16, 27))


def test_title_and_headings_are_the_context():
    made = Embedded("FAQ", ("FAQ", "Returns"), TEXT, SENTENCES).input()

    assert (made.title, made.text, made.sentences) == ("FAQ . Returns", TEXT, SENTENCES)


def test_what_a_chunk_is_found_by_stands_before_its_text_once():
    chunk = Embedded("FAQ", ("Can I return it?",), TEXT, SENTENCES, ChunkKind.ANSWER, "Can I return it?")

    made = chunk.input()

    assert (made.title, made.text) == ("FAQ", f"Can I return it?\n{TEXT}")
    assert [made.text[start:end] for start, end in made.sentences] == [
        "Can I return it?",
        "Within 30 days.",
        "It is free.",
    ]


def test_what_the_text_says_itself_is_not_said_twice():
    text = "Q: Can I return it?\nA: Yes."

    assert Embedded("", (), text, ((0, 19), (20, 27)), ChunkKind.ANSWER, "Can I return it?").input().text == text


def test_a_picture_is_embedded_by_its_words():
    text = "![A red lamp](word/media/1.png)\nFigure 1"

    made = Embedded("", (), text, ((0, len(text)),), ChunkKind.IMAGE, "It blinks.").input()

    assert made.text == "It blinks.\nA red lamp\nFigure 1"


def test_its_vector_is_the_last_and_its_tokens_come_first():
    embedder = FakeEmbedder()
    chunk = Embedded("", (), TEXT, SENTENCES, ChunkKind.ANSWER, "Can I return it?")

    with_question, plain = encode_chunks([chunk, chunk._replace(found_by="")], embedder)
    (question,) = encode_chunks([Embedded("", (), "Can I return it?", ((0, 16),))], embedder)

    assert np.allclose(with_question.sentences[:2], plain.sentences)
    assert np.allclose(with_question.sentences[2], question.sentences[0])
    assert with_question.token_sentences.tolist() == [2] * 4 + plain.token_sentences.tolist()
