import pytest

from agents.guardrails.claims import contradicts, denies
from agents.guardrails.grounding import check_grounding, plain_sentence

BATTERY = (
    "The X1 battery lasts up to 12 hours. It charges in two hours with the Charger 65 W. Turbo mode is not supported."
)


@pytest.fixture
def passages(make_passage):
    return [
        make_passage(BATTERY),
        make_passage("Returns are free within 30 days.", document="returns", title="Returns"),
    ]


def judge(text, passages, **options):
    return check_grounding(text, {1: 1, 2: 2}, passages, **options)


def test_quotes_are_supported(passages):
    found = judge("The X1 battery lasts up to 12 hours [1]. **Returns are free within 30 days** [2].", passages)
    assert (found.share, found.unsupported, len(found.statements)) == (1.0, (), 2)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The battery lasts up to 15 hours [1].", "number"),
        ("It charges in two days [1].", "unit"),
        ("The UltraBook battery lasts up to 12 hours in the Wilderness [1].", "name"),
    ],
)
def test_what_must_be_exact_is(passages, sentence, why):
    [statement] = judge(sentence, passages).statements
    assert (statement.supported, statement.why) == (False, why)


def test_only_the_cited_passage_counts(passages):
    assert judge("Returns are free within 30 days [1].", passages).unsupported == (0,)
    assert judge("Returns are free within 30 days [2].", passages).unsupported == ()


def test_a_sentence_without_a_number_may_stand_in_any_cited_passage(passages):
    text = "The X1 battery lasts up to 12 hours [1]. It charges in two hours."
    assert judge(text, passages).unsupported == ()
    assert len(judge(text, passages, cited_only=True).statements) == 1


def test_nothing_cited_supports_nothing(passages):
    assert judge("The X1 battery lasts up to 12 hours.", passages).unsupported == (0,)


def test_courtesies_questions_and_heads_of_lists_claim_nothing(passages):
    assert judge("Hello! Which model do you have?\n\nThe steps are:\n", passages).statements == ()
    assert judge("", passages).share == 1.0


def test_spans_are_those_of_the_text(passages):
    text = "Sure!\n\n- The battery lasts 99 hours [1].\n- Returns are free within 30 days [2]."
    found = judge(text, passages)
    first = found.statements[0]
    assert text[first.start : first.end].endswith("The battery lasts 99 hours [1].")
    assert found.unsupported == (0,)
    assert found.record()["statements"][0][3] == "number"


def test_another_language_is_judged_by_numbers_and_names(passages):
    assert judge("Der Akku des X1 hält nach dem Laden bis zu 12 Stunden [1].", passages).unsupported == ()
    assert judge("Der Akku des X1 hält nach dem Laden bis zu 14 Stunden [1].", passages).unsupported == (0,)


@pytest.mark.parametrize(
    ("sentence", "passage", "denied"),
    [
        ("The sauna is included.", "Courses are included, the sauna is not included.", True),
        ("The sauna is not included.", "Courses are included, the sauna is not included.", False),
        ("The museum is open on Mondays.", "The museum is closed on Mondays.", True),
        ("It does not open on Mondays.", "The museum is closed on Mondays.", False),
        ("You can return software.", "You cannot return software.", True),
    ],
)
def test_denials(sentence, passage, denied):
    assert denies(sentence, passage) == denied


@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ("It costs $1,000.", ""),
        ("It costs 1000 dollars.", ""),
        ("It costs 1000 euros.", "unit"),
        ("It costs $100.", "number"),
        ("It is done in five working days.", ""),
        ("It is done in five weeks.", "unit"),
    ],
)
def test_numbers_are_compared_however_they_are_written(sentence, problem):
    assert contradicts(sentence, "The repair costs $1,000 and takes 5 working days.") == problem


def test_a_sentence_is_read_without_its_markup():
    assert plain_sentence("- **Free** returns [2].") == "Free returns ."
