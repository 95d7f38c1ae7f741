"""Snapshots: growing, losing documents, ranking."""

import numpy as np
import pytest

from knowledge.embedding.base import QueryEncoding
from knowledge.indexes.faiss import FaissIndex
from knowledge.indexes.kinds import index_report
from knowledge.indexes.snapshot import Row, Snapshot
from knowledge.indexes.whitening import prior_of
from knowledge.retrieval.ranking import UNKNOWN_WORDS, rank
from knowledge.retrieval.weights import Weights

D = 32
RNG = np.random.default_rng(2)
PRIOR = prior_of("none", D)


def unit(*shape: int) -> np.ndarray:
    vectors = RNG.normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def unit_of(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def row(number: int, text: str = "", *, document: int | None = None, sentences: int = 3) -> Row:
    vectors = unit(sentences, D)
    paragraph = vectors.mean(axis=0)
    return Row(
        chunk=1000 + number,
        document=number if document is None else document,
        text=text or f"word{number}",
        fingerprint=hash(text or f"word{number}"),
        paragraph=paragraph / np.linalg.norm(paragraph),
        sentences=np.rint(vectors * 127).astype(np.int8),
        token_ids=np.array([number, number, 7], np.int32),
    )


def query(vector: np.ndarray) -> QueryEncoding:
    return QueryEncoding(vector, np.zeros((0, 64), np.float32), np.zeros(0, np.int32), 1.1)


def snapshot(*, indexed: bool = True) -> Snapshot:
    return Snapshot.empty("en", PRIOR, FaissIndex(D) if indexed else None, pieces_per_word=1.1)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row(n) for n in range(300)]


@pytest.fixture(scope="module")
def whole(rows: list[Row]) -> Snapshot:
    return snapshot().grown(rows)


def test_a_word_finds_its_chunk(whole: Snapshot) -> None:
    ranking = rank(whole, "word42", query(unit(D)))

    assert whole.chunks[ranking.rows[0]] == 1042
    assert (np.diff(ranking.fused) <= 0).all()


def test_a_sentence_finds_its_chunk(whole: Snapshot, rows: list[Row]) -> None:
    ranking = rank(whole, "", query(unit_of(rows[17].sentences)[2]))

    assert whole.chunks[ranking.rows[0]] == 1017
    assert ranking.cosine[0] == pytest.approx(1, abs=0.02)
    assert ranking.answerability == pytest.approx(1, abs=0.02)


def test_growing_in_steps_ranks_as_at_once(whole: Snapshot, rows: list[Row]) -> None:
    steps = snapshot()
    for first in range(0, 300, 60):
        steps = steps.grown(rows[first : first + 60])

    for n in (3, 150, 299):
        encoding = query(rows[n].paragraph)
        one, other = rank(whole, f"word{n}", encoding), rank(steps, f"word{n}", encoding)
        assert one.rows[0] == other.rows[0] == n
        assert len(set(one.rows[:10].tolist()) & set(other.rows[:10].tolist())) >= 8


def test_documents_that_are_gone_are_not_found(whole: Snapshot) -> None:
    without = whole.without([42, 43, 999])

    assert len(without) == without.document_count == 298
    assert 42 not in rank(without, "word42", query(unit(D))).rows.tolist()
    assert rank(whole, "word42", query(unit(D))).rows[0] == 42
    assert whole.without([999]) is whole


def test_a_changed_document_comes_back(whole: Snapshot) -> None:
    changed = whole.without([42]).grown([row(500, "nevermore", document=42)])

    found = rank(changed, "nevermore", query(unit(D))).rows[0]

    assert changed.chunks[found] == 1500
    assert changed.documents[found] == 42
    assert not changed.worn
    assert whole.without(range(150)).worn


def test_only_some_documents(whole: Snapshot) -> None:
    ranking = rank(whole, "word42", query(unit(D)), [1, 2])

    assert set(ranking.rows.tolist()) == {1, 2}
    assert rank(whole, "word42", query(unit(D)), []).rows.tolist() == []


@pytest.mark.parametrize(("pieces", "first"), [(2.2, 1), (1.1, 3)])
def test_what_stands_beside_a_passage_tells_what_it_is_about_where_passages_have_few_words(
    pieces: float, first: int
) -> None:
    texts = [
        "Der Kessel K1 aus Stahl.",
        "Er fasst zwei Liter Wasser im Topf.",
        "Die Lampe L1.",
        "Sie fasst zwei Birnen.",
    ]
    made = Snapshot.empty("de", PRIOR, FaissIndex(D), pieces_per_word=pieces)
    made = made.grown([row(n, text, document=n // 2) for n, text in enumerate(texts)])
    asked = QueryEncoding(np.zeros(D, np.float32), np.zeros((0, 64), np.float32), np.zeros(0, np.int32), pieces)

    ranking = rank(made, "Was fasst zwei, der Kessel?", asked, weights=Weights(dense=0.0))
    order = [row for row in ranking.rows.tolist() if row in {1, 3}]

    assert order[0] == first


def test_the_dead_are_no_neighbours() -> None:
    texts = ["Der Kessel K1.", "Er fasst zwei Liter.", "Die Lampe L1.", "Sie fasst zwei Birnen."]
    made = Snapshot.empty("de", PRIOR, FaissIndex(D), pieces_per_word=2.2)
    made = made.grown([row(n, text, document=n // 2) for n, text in enumerate(texts)]).without([1])
    made = made.grown([row(5, texts[3], document=1)])
    asked = QueryEncoding(np.zeros(D, np.float32), np.zeros((0, 64), np.float32), np.zeros(0, np.int32), 2.2)

    ranking = rank(made, "Birnen der Lampe L1", asked, weights=Weights(dense=0.0))

    assert set(ranking.rows.tolist()) == {0, 1, 4}
    assert ranking.rows[0] == 4


def test_equal_texts_are_found_once() -> None:
    copies = snapshot().grown([row(1, "same words"), row(2, "same words"), row(3, "other words")])

    assert len(rank(copies, "same words", query(unit(D))).rows) == 2


def test_without_an_index_every_row_is_a_candidate(rows: list[Row]) -> None:
    plain = snapshot(indexed=False).grown(rows[:30])

    assert len(rank(plain, "word3", query(unit(D))).rows) == 30
    assert rank(plain, "word3", query(unit(D)), [5]).rows.tolist() == [5]
    assert len(rank(plain.without([3]), "word3", query(unit(D))).rows) == 29


def test_an_empty_snapshot_answers() -> None:
    ranking = rank(snapshot(), "anything", query(unit(D)))

    assert len(ranking.rows) == 0
    assert ranking.answerability == 0


def test_words_of_the_query_count_as_evidence(whole: Snapshot) -> None:
    vector = unit(D)

    known = rank(whole, "word42", query(vector)).answerability
    unknown = rank(whole, "zebra", query(vector)).answerability

    assert known - unknown == pytest.approx(0.5 + UNKNOWN_WORDS, abs=0.2)


def test_a_word_that_no_text_has_counts_against_an_answer(whole: Snapshot) -> None:
    vector = query(unit(D))

    known = rank(whole, "word42", vector).answerability
    half = rank(whole, "word42 zebra", vector).answerability
    beside = rank(whole, "word42 it", vector).answerability

    assert half < known - UNKNOWN_WORDS / 2
    assert half < beside


def test_rare_tokens_weigh_more(whole: Snapshot) -> None:
    common, rare, unseen = whole.token_weights(np.array([7, 42, 30_000], np.int32))

    assert common < rare < unseen


def test_sentence_vectors_are_those_that_were_given(whole: Snapshot, rows: list[Row]) -> None:
    cosines = (whole.sentence_vectors(5) * unit_of(rows[5].sentences)).sum(axis=1)

    assert cosines.min() > 0.98


def test_one_direction_or_many_score_alike(whole: Snapshot) -> None:
    rows, vectors = np.array([5, 250, 17]), unit(4, D)

    together = whole.whitened_scores(rows, np.array([whole.whitening.direction(vector) for vector in vectors]))

    assert together.shape == (4, 3)
    np.testing.assert_allclose(together, [whole.sentence_scores(rows, vector)[1] for vector in vectors], atol=1e-5)
    assert whole.whitened_scores(rows[:0], vectors).shape == (4, 0)


def test_a_small_change_to_a_large_snapshot_copies_no_vectors(whole: Snapshot, monkeypatch) -> None:
    monkeypatch.setattr("knowledge.indexes.nibbles.PART", 100)

    changed = whole.without([42]).grown([row(500, "nevermore", document=42)])

    assert changed.sentences.parts[0] is whole.sentences.parts[0]
    assert len(changed.sentences) == len(changed.norms) == len(whole.sentences) + 3


def test_many_copies_take_one_place_and_crowd_nothing_out() -> None:
    copies = [row(1, "the word everybody copies")._replace(chunk=5000 + n, document=n) for n in range(400)]
    others = [row(n, f"word{n} in another text") for n in range(400, 460)]
    made = snapshot().grown([*copies, *others])

    ranking = rank(made, "the word everybody copies", query(copies[0].paragraph))

    assert (ranking.rows < 400).sum() == 1
    assert ranking.rows[0] < 400
    assert len(ranking.rows) == 61
    only = rank(made, "everybody", query(copies[0].paragraph), range(300, 430))
    assert (only.rows < 400).sum() == 1
    assert len(only.rows) == 31


def test_as_many_candidates_as_are_wanted(whole: Snapshot) -> None:
    assert len(rank(whole, "", query(unit(D))).rows) == 100
    assert len(rank(whole, "", query(unit(D)), k=10_000).rows) == 300


def test_what_people_are_told_of_an_index(whole: Snapshot) -> None:
    assert str(index_report(whole)).startswith("flat, exact, 300 passages, 1 MB: ")
    assert index_report(whole).size > 300 * D * 2
