"""The local embedder against an independent implementation, and what it refuses."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import local
from knowledge.embedding.base import EmbedderError, PassageInput
from knowledge.embedding.local import LocalEmbedder

REFERENCE = Path(__file__).parent / "reference_vectors.npz"
LAMP = "The lamp is green. It needs two batteries. Batteries are not included."
LAMP_SENTENCES = ((0, 18), (19, 42), (43, 70))


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


def test_vectors_equal_those_of_an_independent_implementation(embedder: LocalEmbedder) -> None:
    with np.load(REFERENCE) as reference:
        texts, expected = reference["texts"].tolist(), reference["vectors"]

    cosines = (embedder.encode_texts(texts) * expected).sum(axis=1)

    assert len(texts) >= 15
    assert cosines.min() >= 0.9999


def test_query_vector_equals_the_text_vector(embedder: LocalEmbedder) -> None:
    encoding = embedder.encode_query("Where is my parcel?")

    assert encoding.vector @ embedder.encode_texts(["Where is my parcel?"])[0] >= 0.99999
    assert encoding.tokens.shape == (len(encoding.token_ids), 64)
    np.testing.assert_allclose(np.linalg.norm(encoding.tokens, axis=1), 1, atol=1e-5)


def test_padding_in_a_batch_changes_nothing(embedder: LocalEmbedder) -> None:
    texts = ["Yes.", "A much longer sentence about the delivery of furniture to islands. " * 6]

    together = embedder.encode_texts(texts)

    for text, vector in zip(texts, together, strict=True):
        assert embedder.encode_texts([text])[0] @ vector >= 0.99999


def test_passage_has_a_vector_for_each_sentence_and_token(embedder: LocalEmbedder) -> None:
    (encoding,) = embedder.encode_passages([PassageInput("Lamps", LAMP, LAMP_SENTENCES)])

    assert encoding.sentences.shape == (3, 384)
    assert encoding.tokens.dtype == np.int8
    assert len(encoding.tokens) == len(encoding.token_ids) == len(encoding.token_sentences)
    assert set(encoding.token_sentences.tolist()) == {0, 1, 2}
    np.testing.assert_allclose(np.linalg.norm(encoding.sentences, axis=1), 1, atol=1e-4)
    question = embedder.encode_query("What colour is it?").vector
    assert int((encoding.sentences @ question).argmax()) == 0


def test_paragraph_vector_is_that_of_title_and_text(embedder: LocalEmbedder) -> None:
    (encoding,) = embedder.encode_passages([PassageInput("Lamps", LAMP, LAMP_SENTENCES)])

    assert encoding.paragraph @ embedder.encode_texts([f"Lamps. {LAMP}"])[0] >= 0.99999


def test_stored_tokens_match_the_tokens_of_a_query(embedder: LocalEmbedder) -> None:
    (encoding,) = embedder.encode_passages([PassageInput("", "green lamp")])
    query = embedder.encode_query("green lamp")

    similarity = query.tokens @ encoding.tokens.T.astype(np.float32) / 127

    assert encoding.token_ids.tolist() == query.token_ids.tolist()
    assert np.diag(similarity).min() >= 0.98


def test_a_passage_longer_than_the_model_reads_is_read_to_its_end(embedder: LocalEmbedder) -> None:
    filler = "Nothing of interest is said in this sentence about parcels. "
    text = filler * 60 + "The password of the vault is swordfish."
    starts = [*range(0, len(filler) * 60, len(filler)), len(filler) * 60]
    sentences = tuple(zip(starts, [*starts[1:], len(text)], strict=True))

    (encoding,) = embedder.encode_passages([PassageInput("Notes", text, sentences)])

    assert encoding.sentences.shape == (61, 384)
    question = embedder.encode_query("What is the password of the vault?").vector
    assert int((encoding.sentences @ question).argmax()) == 60
    assert (np.diff(encoding.token_sentences) >= 0).all()


def test_one_endless_sentence_is_cut_into_windows(embedder: LocalEmbedder) -> None:
    (encoding,) = embedder.encode_passages([PassageInput("t" * 500, "word " * 2000)])

    assert encoding.sentences.shape == (1, 384)
    assert len(encoding.tokens) == 2000


@pytest.mark.parametrize("text", ["", " \n ", "🙂", "...", "\x00", "ﷺ"])
def test_texts_without_words_have_vectors_too(embedder: LocalEmbedder, text: str) -> None:
    (encoding,) = embedder.encode_passages([PassageInput("", text, ((0, len(text)),))])

    assert np.isfinite(encoding.sentences).all()
    assert np.linalg.norm(encoding.sentences[0]) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(embedder.encode_query(text).vector) == pytest.approx(1, abs=1e-4)


def test_nothing_in_gives_nothing_out(embedder: LocalEmbedder) -> None:
    assert embedder.encode_passages([]) == []
    assert embedder.encode_texts([]).shape == (0, 384)


def test_pieces_per_word_tells_how_well_the_model_knows_a_language(embedder: LocalEmbedder) -> None:
    english = embedder.encode_query("When does the shop open on Sunday?").pieces_per_word
    german = embedder.pieces_per_word("Wann öffnet das Möbelgeschäft am Sonntag?")
    russian = embedder.pieces_per_word("Гарантия действует два года.")
    thai = embedder.pieces_per_word("การรับประกันมีอายุสองปี")

    assert 1 <= english < 1.3 < german < 3 < russian < thai
    assert embedder.pieces_per_word("?!") == 0


def test_threads_share_one_embedder(embedder: LocalEmbedder) -> None:
    questions = [f"Question number {n}?" for n in range(8)]
    expected = embedder.encode_texts(questions)
    found: dict[int, np.ndarray] = {}

    def ask(n: int) -> None:
        found[n] = embedder.encode_query(questions[n]).vector

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert min(found[n] @ expected[n] for n in range(8)) >= 0.9999


def test_other_weights_are_refused(tmp_path: Path) -> None:
    for name in local.CHECKSUMS:
        shutil.copy(local._package_folder() / name, tmp_path)
    with (tmp_path / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")

    with pytest.raises(EmbedderError, match="not the published one"):
        LocalEmbedder(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"model\.safetensors is missing"):
        LocalEmbedder(tmp_path)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PACKAGE", "no_such_package")

    with pytest.raises(EmbedderError, match="requirements-model"):
        LocalEmbedder()
