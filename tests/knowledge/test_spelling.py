"""Typing errors are put right by the words of the corpus; what may be right stays."""

import pytest

from knowledge.indexes.lexical import LexicalIndex
from knowledge.indexes.vocabulary import Vocabulary
from knowledge.retrieval.spelling import MOST, correct, doubles, edits, swaps

CORPUS = [
    "The battery lasts twelve hours. Charging takes an hour. The warranty covers charging.",
    "Refunds arrive within thirty days. The Panthers shop of Martin Weber is in Köln.",
    "Гарантия действует два года. Возврат возможен.",
    "बैटरी बारह घंटे चलती है।",
    "Η εγγύηση ισχύει δύο χρόνια.",
]
LEXICAL = LexicalIndex.empty("en").grown(CORPUS)


class Known:
    """An embedder that knows these words as wholes."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def count_pieces(self, text: str) -> int:
        return 1 if text in self.words else 3


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("How long does the bateryt, I mean batetry, last?", "How long does the bateryt, I mean battery, last?"),
        ("Chargign time", "Charging time"),
        ("waranty", "warranty"),
        ("warrranty", "warranty"),
        ("warrantz?", "warranty?"),
        ("REFUDNS NOW", "REFUNDS NOW"),
        ("the Pantehrs", "the Panthers"),
        ("Panhters", "Panthers"),
        ("гарнатия на два года", "гарантия на два года"),
        ("гарантиа", "гарантия"),
        ("εγγύηση εγγύσηη", "εγγύηση εγγύηση"),
        ("बैटीर", "बैटरी"),
    ],
)
def test_one_edit_is_put_right(query: str, meant: str) -> None:
    assert correct(query, LEXICAL, Known()).text == meant


@pytest.mark.parametrize(
    "query",
    [
        "",
        "🙂 ?!",
        "charges charged",  # other forms of a word of the corpus
        "the hart hurs",  # too short to tell
        "batery4 A1batery 20255",  # numbers and codes
        "Mr Maartin or Mertin",  # perhaps another person
        "ask Hurs",
        "電池はどのくらい持ちますか",
        "แบตเตอรี่ใช้ได้นานแค่ไหน",
        "completely unrelated mountains",
        "batetry" * 1_000,
    ],
)
def test_what_may_be_right_stays(query: str) -> None:
    found = correct(query, LEXICAL, Known())

    assert found.text == query or found.changes == (("Maartin", "Martin"),)


def test_words_that_the_embedder_knows_exist() -> None:
    assert correct("chargind", LEXICAL, Known("chargind")) == ("chargind", ())
    assert correct("chargind", LEXICAL, Known()).changes == (("chargind", "charging"),)


def test_where_the_vocabulary_does_not_tell_only_clear_slips_of_short_words_count() -> None:
    lexical = LexicalIndex.empty("de").grown(["Woraus besteht die Rückgabefrist?"])

    assert correct("worauf", lexical, Known()).text == "woraus"
    assert correct("worauf", lexical, Known(), 2.2).text == "worauf"
    assert correct("wroaus", lexical, Known(), 2.2).text == "woraus"
    assert correct("rückgabefrest", lexical, Known(), 2.2).text == "rückgabefrist"


def test_swaps_come_before_words_that_are_more_frequent() -> None:
    lexical = LexicalIndex.empty("en").grown(["trial", "trail trail trail triad triad"])

    assert correct("trila", lexical, Known()).text == "trial"
    assert correct("traid", lexical, Known()).text == "triad"
    assert correct("trais", lexical, Known()).text == "trail"


def test_a_long_text_is_bounded() -> None:
    query = " ".join(f"x{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}yzw batetry" for n in range(500))

    assert len(correct(query, LEXICAL, Known()).changes) <= MOST


def test_edits_are_one_letter_away() -> None:
    assert set(swaps("abba")) == {"baba", "abab"}
    assert "batery" in doubles("battery")
    assert "battery" in doubles("batery")
    assert {"prce", "prize", "pricey"} <= set(edits("price", "yz"))
    assert all(word.startswith("p") for word in edits("price", "abp"))


def test_vocabulary_grows_as_if_made_at_once() -> None:
    whole, steps = Vocabulary.empty().grown(CORPUS), Vocabulary.empty()
    for text in CORPUS:
        steps = steps.grown([text])

    assert steps.keys.tolist() == whole.keys.tolist()
    assert steps.counts.tolist() == whole.counts.tolist()
    assert steps.letters == whole.letters
    assert whole.count(["charging", "battery", "fridge", "day"]).tolist() == [2, 1, 0, 0]
    assert Vocabulary.empty().count(["charging"]).tolist() == [0]


def test_letters_are_those_of_the_script() -> None:
    vocabulary = Vocabulary.empty().grown(CORPUS)

    assert set(vocabulary.alphabet("год")) <= set("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
    assert "ö" in vocabulary.alphabet("koln")
    assert vocabulary.alphabet("電池") == ""
