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
        make_passage("The battery of a phone is covered for less. Bags are red."),
        make_passage("The battery is covered for a year.", document="warranty", title="Warranty"),
    )
    assert text.startswith("The battery is covered for a year. [2]")
    assert "\n\nThe battery of a phone is covered for less. [1]" in text


def test_a_table_row_is_put_in_words(answer, make_passage):
    table = (
        "| Device | Battery | Weight |\n| --- | --- | --- |\n| X1 | 12 hours | 1.38 kg |\n| G1 | 5 hours | 2.45 kg |"
    )
    assert "G1 - Battery: 5 hours; Weight: 2.45 kg. [1]" in answer(
        "How long does the battery of the G1 last?", make_passage(table)
    )


def test_a_row_keeps_the_name_of_its_only_column(answer, make_passage):
    table = "| Plan | Price |\n| --- | --- |\n| Pro | 20 € |\n| Team | 90 € |"
    assert "Pro - Price: 20 €. [1]" in answer("What does Pro cost?", make_passage(table))


@pytest.mark.parametrize("name", ["Value", "Wert", ""])
def test_a_list_of_properties_needs_no_names(answer, make_passage, name):
    table = f"| Part | {name} |\n| --- | --- |\n| Weight | 1.38 kg |\n| Price | $1,299 |"
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


COSTS = (
    "| Way | Under $50 | From $50 |\n| --- | --- | --- |\n| Standard | $5.95 | Free |\n| Express | $14.95 | $14.95 |"
)


def test_a_table_is_shown_whole_when_its_section_is_asked_for(answer, make_passage):
    table = make_passage(COSTS, title="Shipping", heading=("Shipping", "2 What delivery costs"))
    assert answer("What does delivery cost?", table) == (
        "What delivery costs:\n\n"
        "| Way | Under $50 | From $50 |\n| --- | --- | --- |\n"
        "| Standard | $5.95 | Free [1] |\n| Express | $14.95 | $14.95 [1] |\n"
    )


def test_the_row_that_a_question_names_is_enough(answer, make_passage):
    table = make_passage(COSTS, title="Shipping", heading=("Shipping", "What delivery costs"))
    assert answer("What does express delivery cost?", table) == "Express - Under $50: $14.95; From $50: $14.95. [1]"


def test_a_lead_in_brings_its_table(answer, make_passage):
    text = answer("What are the ways of delivery?", make_passage(f"These are the ways of delivery:\n\n{COSTS}"))
    assert text.startswith("These are the ways of delivery:\n\n| Way | Under $50 | From $50 |\n")


def test_a_long_table_is_not_shown_whole(answer, make_passage):
    rows = "\n".join(f"| Place {n} | ${n}.50 |" for n in range(20))
    table = make_passage(
        f"| To | Price |\n| --- | --- |\n{rows}", title="Shipping", heading=("Shipping", "What delivery costs")
    )
    assert "| ---" not in answer("What does delivery cost?", table)


def test_the_list_of_the_section_asked_for_is_shown_whole(answer, make_passage):
    passage = make_passage(
        "- Damage from drops.\n- Loss and theft.\n\nThe warranty does not cover liquid.",
        title="Warranty",
        heading=("What is not covered",),
    )
    assert answer("What is not covered by the warranty?", passage) == (
        "What is not covered:\n\n- Damage from drops. [1]\n- Loss and theft. [1]\n\n"
        "The warranty does not cover liquid. [1]"
    )


def test_a_list_is_shown_once(answer, make_passage):
    passage = make_passage("To restore a backup:\n\n- Restore the backup of the files.\n- Start it.\n")
    text = answer("restore a backup", passage)
    assert text.count("Restore the backup of the files.") == 1


def test_a_lead_in_brings_its_code(answer, make_passage):
    passage = make_passage("To remove the chart:\n\n```sh\nhelm delete shop\n```\n\nOther things follow.")
    assert answer("How is the chart removed?", passage).startswith(
        "To remove the chart: [1]\n\n```sh\nhelm delete shop\n```\n"
    )


def test_code_that_began_before_the_passage_is_not_quoted(answer, make_passage):
    text = "name: remove chart\n```\n\nThe chart can be removed."
    passage = make_passage(text, context=f"```yaml\non: push\n{text}")
    assert answer("remove chart", passage) == "The chart can be removed. [1]"


def test_what_a_sentence_refers_to_comes_before_it(answer, make_passage):
    passage = make_passage("Open the settings of the tablet. This resets the phone to factory state. Bags are red.")
    assert answer("reset phone factory state", passage) == (
        "Open the settings of the tablet. [1] This resets the phone to factory state. [1]"
    )


def test_a_sentence_that_refers_to_the_best_one_follows_it(answer, make_passage):
    passage = make_passage(
        "The moon rocks were collected long ago. They are old moon samples, and rare. Bags are red. Water is wet."
    )
    assert answer("collected rocks of the moon", passage) == (
        "The moon rocks were collected long ago. [1] They are old moon samples, and rare. [1]"
    )


def test_a_question_about_a_whole_document_gets_what_it_says_first(answer, make_passage):
    def part(text, start):
        return make_passage(text, title="Returns policy", document="returns", start=start)

    text = answer(
        "What is your returns policy?",
        part("Faulty goods of the returns policy are kept.", 900),
        part("This policy applies to all returns.", 0),
        part("You can return almost everything within thirty days.", 90),
        part("In winter, products can be sent until spring.", 300),
    )
    assert text.startswith("You can return almost everything within thirty days. [3]")


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
