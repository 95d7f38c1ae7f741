import string

import pytest

from agents.phrases import PHRASES, known_language, phrase


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", sorted(PHRASES))
def test_every_language_says_everything(language):
    english = {key: places(text) for key, text in PHRASES["en"].items()}
    assert {key: places(text) for key, text in PHRASES[language].items()} == english


def test_fills_values_in():
    assert phrase("de", "searching", count=24) == "24 Dokumente werden durchsucht…"


@pytest.mark.parametrize(("tag", "known"), [("de-CH", "de"), ("ES_mx", "es"), ("pt", "en"), ("", "en")])
def test_unknown_languages_get_english(tag, known):
    assert known_language(tag) == known
