"""Terms of texts in many scripts."""

import numpy as np
import pytest

from knowledge.indexes.analysis import LONGEST_WORD, Analyser, slips, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't PANIC: 16GB!", ["don", "t", "panic", "16gb"]),
        ("ﬁne ℡x x²", ["fine", "telx", "x2"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("保修期为两年", ["保修", "修期", "期为", "为两", "两年"]),
        ("iPhone手机", ["iphone", "手机"]),
        ("犬", ["犬"]),
        ("ตู้เย็น", ["ตู", "ู้", "้เ", "เย", "ย็", "็น"]),
        ("snake_case", ["snake", "case", "snakecase"]),
        ("getUserName()", ["getusername", "get", "user", "name"]),
        ("HTTPServer2", ["httpserver2", "http", "server", "2"]),
        ("ERR_1042 ERR-1042", ["err", "1042", "err", "1042", "err1042", "err1042"]),
        ("src/main_view.py", ["src", "main", "view", "py", "mainview"]),
        ("--long-option", ["long", "option", "longoption"]),
        ("kebab-case Wi-Fi iPhone", ["kebab", "case", "wi", "fi", "iphone"]),
        ("", []),
        ("🙂 …", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def terms(text: str, language: str = "en") -> tuple[set[int], set[int]]:
    words, grams = Analyser(language).analyse([text])
    return set(words.keys.tolist()), set(grams.keys.tolist())


def test_inflections_share_a_word_in_their_language_only() -> None:
    assert terms("returning")[0] == terms("returns")[0]
    assert terms("devoluciones", "es")[0] == terms("devolución", "es")[0]
    assert terms("returning", "xx")[0] != terms("returns", "xx")[0]
    assert terms("Returning", "en-GB")[0] == terms("returns", "EN")[0]


def test_grams_are_of_words_with_their_edges() -> None:
    grams = terms("laptop")[1]

    assert len(grams) == len(" laptop ") - 3
    assert len(grams & terms("laptops")[1]) == len(" laptop") - 3
    assert len(grams & terms("lap top")[1]) == len((" lap", "top "))


@pytest.mark.parametrize("word", ["a", "ab", "x1"])
def test_a_short_word_is_one_gram_whatever_stands_beside_it(word: str) -> None:
    (gram,) = terms(word)[1]

    assert gram in terms(f"before {word} after")[1]
    assert gram in terms(f"{word} {word} q")[1]


def test_rows_are_the_positions_of_the_texts() -> None:
    texts = ["one two", "", "three"] * 200

    words, grams = Analyser("en").analyse(texts)

    np.testing.assert_array_equal(np.bincount(words.rows, minlength=600).reshape(-1, 3), [[2, 0, 1]] * 200)
    alone = Analyser("en").analyse(["three"])[1]
    np.testing.assert_array_equal(grams.keys[grams.rows == 599], alone.keys)


def test_nothing_to_analyse() -> None:
    words, grams = Analyser("en").analyse([])

    assert len(words.keys) == len(grams.keys) == len(words.rows) == 0


def test_a_lone_surrogate_is_a_letter_like_any_other() -> None:
    assert terms("\ud800 fine")[0] >= terms("fine")[0]


def test_slips_are_one_letter_away_and_keep_the_first() -> None:
    found = slips("price")

    assert {"pirce", "rpice"} & set(found) == {"pirce"}
    assert {"pice", "prise", "prince", "prices"} <= set(found)
    assert "price" in slips("pricce")
    assert "bridge" not in slips("fridge")


def test_what_is_too_long_for_a_word_is_no_slip_of_one() -> None:
    assert len(slips("x" * LONGEST_WORD)) > LONGEST_WORD
    assert slips("x" * 8_000) == []  # they would be 400,000 of as many letters: half a minute
