from dataclasses import replace

import numpy as np
import pytest

from agents.extraction.expectation import expects_figure, meets_expectation
from agents.extraction.scoring import PASSAGES, RANK_PENALTY, piece_rarity, score_units
from knowledge.embedding.base import TOKEN_WIDTH

DIMENSIONS = 16  # of the sentence vectors of the fixtures


def test_earlier_passages_come_first_when_nothing_else_differs(make_passage, make_result):
    passages = [make_passage("The battery lasts long.", document=f"d{n}", title="Same") for n in range(PASSAGES + 1)]
    scores = [piece.score for piece in score_units("battery?", make_result(*passages))]
    assert len(scores) == PASSAGES
    assert scores[0] - scores[1] == pytest.approx(RANK_PENALTY)


def test_names_in_the_heading_count_for_every_sentence(make_passage, make_result):
    passage = make_passage("It is blue all over. The UltraBook 13 is sold here too.", title="UltraBook 13")
    same = replace(passage, sentence_vectors=np.ones((2, DIMENSIONS), np.float32))
    first, second = score_units("UltraBook 13 colour?", make_result(same))
    assert first.score > second.score


def test_late_interaction_finds_the_sentence_with_the_matching_token(make_passage, make_result):
    passage = replace(
        make_passage("Nothing here at all. Something is there."),
        sentence_vectors=np.ones((2, DIMENSIONS), np.float32),
        tokens=np.eye(TOKEN_WIDTH, dtype=np.int8)[:2] * 127,
        token_ids=np.array([4000, 5000], np.int32),
        token_sentences=np.array([0, 1], np.int16),
    )
    result = make_result(passage)
    token = np.eye(TOKEN_WIDTH, dtype=np.float32)[1:2]
    encoding = replace(result.encoding, tokens=token, token_ids=np.array([5000], np.int32))
    first, second = score_units("?", replace(result, encoding=encoding))
    assert second.score > first.score


def test_rare_pieces_weigh_more():
    weights = piece_rarity(np.array([1996, 3000, 25000], np.int32))
    assert weights[0] < weights[1] < weights[2]
    assert weights.sum() == pytest.approx(1.0)
    assert len(piece_rarity(np.zeros(0, np.int32))) == 0


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("How long does it take?", "About 35 minutes.", "It is quick."),
        ("How heavy is the X1?", "1.38 kg", "It has 12 ports."),
        ("How much does the X1 cost?", "It costs $1,299.", "It has 16 GB."),
        ("How many ports are there?", "There are two ports.", "It has ports."),
        ("How old is the company?", "It is 12 years old.", "It is old."),
        ("When do you open?", "At 8 a.m.", "Every morning."),
        ("Wie lange dauert der Versand?", "Drei Tage, höchstens 5 Tage.", "Er ist schnell."),
        ("¿Cuánto cuesta?", "Cuesta 20 €.", "No es caro."),
        ("Combien de temps faut-il ?", "Environ 2 heures.", "Un moment."),
    ],
)
def test_questions_expect_figures(question, answer, other):
    assert meets_expectation(question, answer)
    assert not meets_expectation(question, other)


def test_numbers_in_names_are_no_figures():
    assert not meets_expectation("How many ports are there?", "The G1 has ports.")
    assert not meets_expectation("How much memory does the UltraBook 13 have?", "Memory of the UltraBook 13 is sold.")
    assert meets_expectation("How much memory does the UltraBook 13 have?", "The UltraBook 13 has 16 GB.")


def test_only_questions_for_figures_expect_them():
    assert expects_figure("How long does it take?")
    assert not expects_figure("Where is it?")


def test_a_heading_that_fits_brings_its_passage_forward(make_passage, make_result):
    others = [make_passage("Shipping is nice.", document=f"d{n}", title="Other", score=0.9) for n in range(PASSAGES)]
    fitting = make_passage("Shipping is free.", title="Parcels", heading=("Shipping cost",), score=0.6)
    passages = {piece.passage for piece in score_units("shipping cost?", make_result(*others, fitting))}
    assert len(passages) == PASSAGES
    assert PASSAGES + 1 in passages


@pytest.mark.parametrize(
    ("sentence", "dangling"),
    [
        ("It is blue.", True),
        ("If the rest is kept, pay.", True),
        ("Yes, that works.", True),
        ("This-and-that is a shop.", False),
        ("Items are blue.", False),
    ],
)
def test_sentences_that_refer_to_others(make_passage, make_result, sentence, dangling):
    pieces = score_units("blue?", make_result(make_passage(f"A beginning. {sentence}")))
    assert [piece.dangling for piece in pieces[1:]] == [dangling] * len(pieces[1:])


def test_yes_answers_the_question_of_its_heading(make_passage, make_result):
    own = make_passage("Yes, by post.", title="Returns", heading=("Can I return a gift?",))
    assert not score_units("Can I return a gift?", make_result(own))[0].dangling
    assert score_units("Who sends my laptop?", make_result(own))[0].dangling


def test_most_questions_expect_nothing():
    assert not meets_expectation("Is the X1 waterproof?", "12 hours and $5")
