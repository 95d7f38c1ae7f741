"""Which language a corpus is believed to be in."""

import pytest

from knowledge.indexes.language import LANGUAGES, detect_language, question_words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The battery of the laptop lasts for twelve hours and is covered by the warranty.", "en"),
        ("La batería del portátil dura doce horas y está cubierta por la garantía de la tienda.", "es"),
        ("Der Akku des Geräts hält zwölf Stunden und ist nicht von der Garantie ausgenommen.", "de"),
        ("La batterie de l'ordinateur dure douze heures et elle est couverte par la garantie pour vous.", "fr"),
        ("A bateria do portátil dura doze horas e não é coberta pela garantia da loja em que foi comprada.", "pt"),
        ("Батарея работает двенадцать часов, и на неё распространяется гарантия на два года.", "ru"),
    ],
)
def test_function_words_tell(text: str, language: str) -> None:
    assert detect_language([text], "xx") == language


@pytest.mark.parametrize("texts", [[], [""], ["X1-500 USB-C 65W 1299"], ["保修期为两年"]])
def test_the_default_stands_where_they_do_not(texts: list[str]) -> None:
    assert detect_language(texts, "sv") == "sv"


def test_every_language_has_words_that_ask() -> None:
    assert all(question_words(language) for language in LANGUAGES)
    assert question_words("de-AT") == question_words("DE") > {"welcher", "wann"}
    assert question_words("xx") == frozenset()
