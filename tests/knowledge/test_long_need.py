"""Stories: what is one, and how its sentences vote."""

import numpy as np
import pytest

from knowledge.retrieval.long_need import MOST, Need, encode_need, mean_of_needs, rank_need, story_sentences
from knowledge.retrieval.search import search
from knowledge.retrieval.weights import Weights
from tests.knowledge.fake_embedder import FakeEmbedder
from tests.knowledge.test_snapshot import D, query, row, snapshot, unit

STORY = (
    "I bought a kettle from you last month. It arrived with a broken lid, which is a pity. "
    "Can I return it after forty days? My parcel of cups is late as well."
)
NONE_ASKS = np.zeros(3, bool)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (STORY, 4),
        ("How long is the warranty?", 0),
        ("Hi. Thanks! My order is late. What can I do now?", 2),  # that say something
        ("Hi. Thanks! What can I do now?", 0),
        ("", 0),
        ("🙂🙂🙂. 🙂🙂. 🙂. 🙂!", 0),
        ("a. b. c. d. e. f.", 0),
        ("Ich habe einen Kessel gekauft. Er kam ohne Deckel an. Was kann ich tun? Ich warte auf Antwort.", 4),
        ("先月やかんを買いました。蓋が壊れていました。四十日後に返品できますか？荷物も遅れています。", 4),
        ("Я купил у вас чайник. Он пришёл без крышки. Можно ли его вернуть? Посылка тоже опаздывает.", 4),
        ("One two three four. " * 500, MOST),
    ],
)
def test_a_story_has_several_sentences_that_say_something(text: str, sentences: int) -> None:
    assert len(story_sentences(text)) == sentences


def test_each_sentence_has_a_vector_and_says_whether_it_asks() -> None:
    need = encode_need("  " + STORY, FakeEmbedder())

    assert need is not None
    assert need.sentences[2] == "Can I return it after forty days?"
    assert need.asks.tolist() == [False, False, True, False]
    assert need.vectors.shape == (4, 384)
    assert encode_need("How long is the warranty?", FakeEmbedder()) is None


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("few", [True, False])
def test_documents_of_all_sentences_come_first(indexed, few, monkeypatch) -> None:
    monkeypatch.setattr("knowledge.retrieval.long_need.ALL", 5_000 if few else 0)
    texts = [f"word{n} of chapter {n}" for n in range(300)]
    made = snapshot(indexed=indexed).grown([row(n, texts[n], document=n // 2) for n in range(300)])
    need = encode_need(". ".join(f"Tell {texts[n].upper()}" for n in (40, 41, 90, 200)), FakeEmbedder())
    assert need is not None
    told = need._replace(vectors=unit(4, D))

    ranking = rank_need(made, told, query(unit(D)), weights=Weights(dense=0.0))

    assert made.documents[ranking.rows[0]] == 20  # that of two sentences
    assert set(ranking.rows[:4].tolist()) == {40, 41, 90, 200}
    assert (np.diff(ranking.fused) <= 0).all()
    assert ranking.fused[0] == 1
    only = rank_need(made, told, query(unit(D)), [45], Weights(dense=0.0))
    assert set(made.documents[only.rows].tolist()) == {45}
    assert len(rank_need(made, told, query(unit(D)), []).rows) == 0


def test_the_end_of_a_long_story_counts() -> None:
    made = snapshot().grown([row(n) for n in range(200)])
    need = encode_need(" ".join(f"Good morning number{n}." for n in range(100)) + " I mean WORD77.", FakeEmbedder())
    assert need is not None

    told = need._replace(vectors=unit(len(need.sentences), D))
    ranking = rank_need(made, told, query(unit(D)), weights=Weights(dense=0.0))

    assert len(need.sentences) == 101
    assert made.documents[ranking.rows[0]] == 77


def test_one_good_match_outweighs_two_faint_ones() -> None:
    told, small_talk, else_ = np.eye(3, D, dtype=np.float32)
    documents = [told, 0.55 * small_talk + 0.835 * else_]
    rows = [row(n)._replace(sentences=np.rint(127 * each)[None].astype(np.int8)) for n, each in enumerate(documents)]
    made = snapshot(indexed=False).grown(rows)
    need = Need(
        ("My kettle leaks.", "Hello to you.", "How are you."), np.array([told, small_talk, small_talk]), NONE_ASKS
    )

    ranking = rank_need(made, need, query(told), weights=Weights(dense=1.0))

    assert made.documents[ranking.rows].tolist() == [0, 1]


def test_the_measured_mean_is_of_the_local_model() -> None:
    mean = mean_of_needs("all-MiniLM-L6-v2")

    assert mean is not None
    assert mean.shape == (384,)
    assert mean_of_needs("another") is None


@pytest.mark.django_db
@pytest.mark.parametrize("index", ["faiss", "pgvector"])
def test_a_story_finds_all_that_it_is_about(add, tenant, settings, index) -> None:
    settings.ASKWELL_INDEX = index
    add("returns", "You can return it within forty days.")
    add("kettles", "A kettle with a broken lid is replaced.")
    add("parcels", "A parcel that is late is looked for.")
    for n in range(20):
        add(f"other{n}", f"Recipe {n} needs flour, butter and time.")

    result = search(tenant.pk, STORY, k=3)

    assert {passage.document for passage in result.passages} == {"returns", "kettles", "parcels"}
    assert result.answerability > 0
