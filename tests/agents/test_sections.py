from dataclasses import replace

import pytest

from agents.extraction.sections import EARLY, Fit, fit_passages, opens_section


@pytest.fixture
def fit(make_passage):
    def of(question, heading, *, title="Shipping and delivery", text="Some text."):
        return fit_passages(question, [make_passage(text, title=title, heading=heading)])[0]

    return of


def test_a_heading_that_asks_the_same_fits(fit):
    assert fit("What does shipping cost?", ("Shipping", "What delivery costs")).heading == 1
    assert fit("What does shipping cost?", ("Shipping", "Late parcels")).heading == 0


def test_what_else_a_heading_says_counts_against_it(fit):
    exact = fit("gift cards", ("Payment", "Gift cards"), title="Payment").heading
    wider = fit("gift cards", ("Payment", "Gift cards and coupons"), title="Payment").heading
    assert exact > wider > 0


def test_half_a_question_is_no_fit(fit):
    assert fit("What does a new battery cost?", ("Shipping", "What delivery costs")).heading < 0.5


def test_the_parts_of_a_section_fit_less_than_itself(fit):
    whole = fit("warranty claims", ("Warranty claims",), title="Terms").heading
    part = fit("warranty claims", ("Warranty claims", "Deadlines"), title="Terms").heading
    assert whole > part > 0


def test_covered_is_not_the_same_as_not_covered(fit):
    question = "What is not covered?"
    assert fit(question, ("3 What is not covered",)).heading > 2 * fit(question, ("2 What is covered",)).heading


def test_numbers_of_sections_say_nothing(fit):
    assert fit("opening hours", ("2.1 Opening hours",)).heading == 1


def test_the_beginning_of_a_document_is_meant_when_its_title_is_asked_for(make_passage):
    passages = [
        make_passage(text, title="Returns and refunds policy", document="returns", start=start)
        for text, start in (("Details of it all.", 900), ("You have thirty days.", 0), ("Keep the box!!", 300))
    ]
    assert [fit.beginning for fit in fit_passages("What is your return policy?", passages)] == [
        EARLY[2],
        EARLY[0],
        EARLY[1],
    ]
    assert not any(fit.beginning for fit in fit_passages("How long does a return take?", passages))
    assert not any(fit.beginning for fit in fit_passages("Can I return a gift?", passages))


def test_a_word_of_a_long_title_does_not_mean_the_document(fit):
    assert fit("hours", (), title="Contact, addresses, telephone and opening hours").beginning == 0


def test_coverage_counts_title_headings_and_text(fit):
    held = fit("How heavy is the blue parcel?", ("Parcels",), text="It is blue.").coverage
    assert 0 < held < 1
    assert fit("blue parcel", ("Parcels",), text="It is blue.").coverage == 1


def test_a_question_of_function_words_fits_nothing(fit):
    assert fit("What is it?", ("Parcels",)) == Fit()


def test_a_passage_opens_its_section_when_only_headings_precede_it(make_passage):
    passage = make_passage("Then wait.")
    assert opens_section(passage)
    assert opens_section(replace(passage, context="## Steps\n\nThen wait. And so on."))
    assert not opens_section(replace(passage, context="Go there. Then wait."))
