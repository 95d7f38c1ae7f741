"""The extractive answer as a customer reads it."""

import pytest

from agents.extraction.answer import compose
from agents.llm.base import Evidence, Finished, LLMError, Options, TextDelta
from agents.llm.extractive import Extractive


@pytest.fixture
def answer(make_result):
    def write(question, *passages):
        return "".join(compose(Evidence(question, "en", make_result(*passages, query=question), weak=False)))

    return write


def test_quotes_two_sentences_in_reading_order(answer, make_passage):
    passage = make_passage(
        "The X1 is metal. Its battery lasts up to 12 hours. Bags are sold apart. The battery charges in two hours."
    )
    assert answer("How long does the battery last?", passage) == (
        "Its battery lasts up to 12 hours. [1] The battery charges in two hours. [1]"
    )


def test_a_figure_is_expected_where_one_is_asked_for(answer, make_passage):
    passage = make_passage("The weight of the X1 surprises. Carry it anywhere you go. It is 1.38 kg on the scales.")
    assert "1.38 kg" in answer("How heavy is the X1, what is its weight?", passage)


def test_says_nothing_twice(answer, make_passage):
    same = "The battery of the X1 lasts for 12 hours."
    other = make_passage(f"{same} Charging takes a while.", document="faq", title="FAQ")
    assert answer("How long does the battery of the X1 last?", make_passage(same), other).count(same) == 1


def test_another_document_begins_a_paragraph_and_the_better_one_comes_first(answer, make_passage):
    text = answer(
        "Is the battery covered for a year?",
        make_passage("The battery of a phone wears."),
        make_passage("The battery is covered for a year.", document="warranty", title="Warranty"),
    )
    assert text.startswith("The battery is covered for a year. [2]")
    assert "\n\nThe battery of a phone wears. [1]" in text


def test_a_table_row_is_put_in_words(answer, make_passage):
    table = (
        "| Device | Battery | Weight |\n| --- | --- | --- |\n| X1 | 12 hours | 1.38 kg |\n| G1 | 5 hours | 2.45 kg |"
    )
    assert "G1 - Battery: 5 hours; Weight: 2.45 kg. [1]" in answer(
        "How long does the battery of the G1 last?", make_passage(table)
    )


def test_two_columns_need_no_names(answer, make_passage):
    table = "| Part | Value |\n| --- | --- |\n| Weight | 1.38 kg |\n| Price | $1,299 |"
    assert "Weight: 1.38 kg. [1]" in answer("What is the weight?", make_passage(table))


def test_a_lead_in_brings_its_list(answer, make_passage):
    passage = make_passage("The box of the X1 contains:\n\n- the laptop\n- a 65 W charger\n- a cable\n")
    assert answer("What does the box of the X1 contain?", passage).startswith(
        "The box of the X1 contains:\n\n- the laptop. [1]\n- a 65 W charger. [1]\n- a cable. [1]\n"
    )


def test_how_to_brings_all_steps(answer, make_passage):
    passage = make_passage(
        "Resetting helps.\n\nTo reset the earbuds:\n\n1. Open the case.\n2. Hold the button.\n3. Wait for the light.\n"
    )
    assert answer("How do I reset the earbuds?", passage) == (
        "To reset the earbuds:\n\n1. Open the case. [1]\n2. Hold the button. [1]\n3. Wait for the light. [1]\n"
    )


def test_steps_go_on_past_the_end_of_the_passage(answer, make_passage):
    start = "To reset:\n\n1. Open the case.\n2. Hold the button."
    passage = make_passage(start, context=f"{start}\n3. Wait\n   for the light.\n\nMore text.\n4. Not this.")
    assert answer("How do I reset it?", passage).endswith("2. Hold the button. [1]\n3. Wait for the light. [1]\n")


def test_rows_of_a_table_are_alternatives(answer, make_passage):
    rows = "| E04 | The fan stands still | Call us |\n| E07 | The battery is silent | Hold the key |"
    table = make_passage(f"| Code | Meaning | What to do |\n| --- | --- | --- |\n{rows}")
    assert answer("My laptop shows E07, what does that mean?", table) == (
        "E07 - Meaning: The battery is silent; What to do: Hold the key. [1]"
    )


def test_the_steps_of_another_section_do_something_else(answer, make_passage):
    right = make_passage("You charge the pen on the upper edge.")
    wrong = make_passage("1. Restart it.\n2. Charge it.", document="other")
    assert "Restart" not in answer("How do I charge the pen on the edge?", right, wrong).split("\n\n")[0]


def test_a_short_piece_takes_its_heading_along(answer, make_passage):
    passage = make_passage("Up to 12 hours.", heading=("Power", "Battery life"))
    assert answer("How long does the battery last?", passage) == "Battery life: Up to 12 hours. [1]"


def test_numbers_of_the_document_are_no_citations(answer, make_passage):
    assert answer("What do studies say?", make_passage("Studies [12] say yes.")) == "Studies (12) say yes. [1]"


def test_quoted_lines_lose_their_sign(answer, make_passage):
    assert answer("What about the cover?", make_passage("> Open only the cover.")) == "Open only the cover. [1]"


def test_nothing_to_quote(answer, make_passage):
    assert answer("Anything?", make_passage("# Only a heading")) == ""


async def stream(evidence):
    return [chunk async for chunk in Extractive().stream((), (), Options(evidence=evidence))]


async def test_streams_in_groups_of_words(make_passage, make_result):
    text = "The battery of the X1 lasts for up to 12 hours of mixed use."
    chunks = await stream(Evidence("battery?", "en", make_result(make_passage(text)), weak=False))
    groups = [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]
    assert len(groups) > 1
    assert "".join(groups) == f"{text} [1]"
    assert chunks[-1] == Finished("stop")


async def test_weak_evidence_is_not_quoted(make_passage, make_result):
    chunks = await stream(Evidence("battery?", "en", make_result(make_passage("Other things.")), weak=True))
    assert [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)] == ["[unknown]"]
    assert chunks[-1] == Finished("unknown")


async def test_needs_evidence():
    with pytest.raises(LLMError):
        await stream(None)
