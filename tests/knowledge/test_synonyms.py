"""Synonyms: what they add, and that they take nothing away."""

import numpy as np
import pytest

from knowledge.indexes.lexical import LexicalIndex
from knowledge.retrieval.synonyms import MAX_EXPANSIONS, MAX_MEANT, Group, Synonyms, expanded_scores, in_known_words

pytestmark = pytest.mark.unit
TEXTS = [
    "The notebook has a warranty of two years.",
    "The fridge has a warranty of five years.",
    "Return merchandise authorisations are sent by mail.",
    "A laptop needs a charger.",
    "Bread is baked daily.",
]


@pytest.fixture(scope="module")
def index():
    return LexicalIndex.empty("en").grown(TEXTS)


def best(index, query, *groups):
    scores = expanded_scores(index, query, Synonyms(groups).expansions(query, "en"))
    return int(np.argmax(scores.combined))


def test_a_synonym_finds_what_the_customers_word_does_not(index):
    group = Group(("computer", "notebook"))
    assert index.scores("computers").combined[0] == 0
    assert best(index, "How long is the warranty of computers?", group) == 0


def test_phrases_of_several_words_whatever_case_and_ending(index):
    group = Group(("RMA", "return merchandise authorisation"))
    assert best(index, "my rma, please", group) == 2
    expansions = Synonyms((group,)).expansions("Return  Merchandise Authorisations?", "en")
    assert expansions[0].meant == ("RMA",)
    assert expansions[0].span == (0, 34)


def test_one_way_leads_from_the_first_to_the_others_only():
    synonyms = Synonyms((Group(("device", "phone", "tablet"), one_way=True),))
    assert synonyms.expansions("device", "en")[0].meant == ("phone", "tablet")
    assert synonyms.expansions("phone", "en") == ()


@pytest.mark.parametrize("query", ["laptop", "laptop warranty", "warranty of a fridge", "bread", "the", ""])
def test_no_score_is_less_for_a_synonym_and_the_customers_word_comes_first(index, query):
    synonyms = Synonyms((Group(("laptop", "notebook")), Group(("fridge", "refrigerator")), Group(("bread", "loaf"))))
    plain, more = index.scores(query), expanded_scores(index, query, synonyms.expansions(query, "en"))
    assert (more.words >= plain.words).all()
    assert (more.grams >= plain.grams).all()
    assert more.idf_sum == plain.idf_sum
    if query == "laptop":
        assert more.words[3] > more.words[0] > 0


def test_cycles_and_overlaps_go_nowhere():
    synonyms = Synonyms((Group(("a1", "b1")), Group(("b1", "c1")), Group(("c1", "a1")), Group(("a1", "a1"))))
    assert synonyms.expansions("b1", "en")[0].meant == ("a1", "c1")
    chain = Synonyms((Group(("one", "two")), Group(("two", "three"))))
    assert chain.expansions("one", "en")[0].meant == ("two",)


def test_what_is_expanded_is_bounded():
    many = tuple(f"word{n}" for n in range(200))
    synonyms = Synonyms((Group(many),))
    found = synonyms.expansions(" ".join(many), "en")
    assert len(found) == MAX_EXPANSIONS
    assert all(len(expansion.meant) == MAX_MEANT for expansion in found)


def test_scripts_without_spaces():
    synonyms = Synonyms((Group(("笔记本电脑", "手提电脑")),))
    found = synonyms.expansions("我的笔记本电脑坏了", "zh")
    assert (found[0].meant, found[0].span) == (("手提电脑",), None)


def test_the_vector_is_made_of_words_that_the_documents_have(index):
    synonyms = Synonyms((Group(("zorbex", "notebook")), Group(("fridge", "icebox"))))
    query = "A zorbex, or a fridge?"
    assert in_known_words(index, query, synonyms.expansions(query, "en")) == "A notebook, or a fridge?"


@pytest.mark.parametrize("words", [("", "x"), ("🙂", "☂"), ("x",), (), ("a " * 50, "b")])
def test_groups_that_say_nothing_do_nothing(words):
    assert Synonyms((Group(words),)).expansions("x 🙂 a a a", "en") == ()
