"""Which language a corpus is in, as far as a stemmer needs to know, whatever its tenant was set to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from knowledge.indexes.analysis import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable

# ruff: noqa: RUF001 (Cyrillic words are what is meant)

ENOUGH = 0.08  # share of function words from which a language is believed

# The most frequent function words, by ISO 639-1 code; languages that share some differ in the others.
_FREQUENT = {
    "da": "og i at det er en til på som af den for ikke med har et kan fra",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch wird",
    "en": "the of and to in a is that for it as was with be on by this are you or from",
    "es": "de la que el en y los se del las un por con una su para es al lo como más",
    "fi": "ja on ei että se hän oli mutta joka myös kun ovat sekä tai voi olla",
    "fr": "de la le et les des en un une du est que dans pour par qui au sur pas ne avec vous",
    "hu": "a az és hogy nem is egy ez van meg csak de el ha vagy",
    "it": "di e il la che in un per del non una le con si della dei da sono è",
    "nl": "de het een van en in is dat op te zijn met voor niet aan die wordt",
    "no": "og i det er på en til som av for at med ikke den har et kan fra",
    "pl": "w i na z się do nie że jest to od przez po jak za oraz lub",
    "pt": "de a o que e do da em um para com não uma os no se na por mais as dos",
    "ro": "de și în la a cu pe din nu care o este un pentru că sau",
    "ru": "в и на не что с по для как это из от к за или при вы",
    "sv": "och i att det som en på är av för med till den har inte ett kan från",
    "tr": "ve bir bu için ile da de olarak daha en çok olan gibi veya",
}
# What questions begin with, by the same codes. Texts that state have them so seldom that they pass for names there.
QUESTION_WORDS = {
    "da": "hvad hvem hvis hvor hvordan hvorfor hvornår hvilken hvilket hvilke",
    "de": "was wer wem wen wessen wann wo wohin woher warum wieso weshalb wie wieviel wieviele welche welcher welches "
    "welchen welchem womit wofür worauf woran worin woraus wovon wozu worüber wodurch wonach worum wogegen inwiefern",
    "en": "what which who whom whose when where why how",
    "es": "qué cuál cuáles quién quiénes cuándo dónde adónde cómo cuánto cuánta cuántos cuántas",
    "fi": "mikä mitä missä mistä mihin milloin miksi miten kuka kuinka mitkä kenen",
    "fr": "quoi quel quelle quels quelles quand où pourquoi comment combien lequel laquelle lesquels",
    "hu": "mi mit ki kit hol hová honnan mikor miért hogyan melyik mennyi hány milyen",
    "it": "cosa quale quali chi quando dove perché come quanto quanta quanti quante",
    "nl": "wat wie welke welk wanneer waar waarom hoe hoeveel waarmee waarvoor waarin",
    "no": "hva hvem hvor hvordan hvorfor når hvilken hvilket hvilke",
    "pl": "co kto kogo kiedy gdzie dlaczego jak jaki jaka jakie który która które ile",
    "pt": "qual quais quem quando onde porquê como quanto quanta quantos quantas quê",
    "ro": "ce cine când unde cum cât câtă câți câte cui",
    "ru": "кто что какой какая какое какие когда где куда откуда почему зачем как сколько чей",
    "sv": "vad vem var vart hur varför när vilken vilket vilka",
    "tr": "ne kim nerede nereye nasıl neden niçin hangi kaç",
}
LANGUAGES = tuple(_FREQUENT)  # that can be told apart
_LANGUAGES: dict[str, list[str]] = {}
for _code, _words in _FREQUENT.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, []).append(_code)

_QUESTION_WORDS = {code: frozenset(words.split()) for code, words in QUESTION_WORDS.items()}


def question_words(language: str) -> frozenset[str]:
    """The words that questions begin with in a language (ISO 639-1), in lower case; none of one that is not known."""
    return _QUESTION_WORDS.get(language.partition("-")[0].lower(), frozenset())


def detect_language(texts: Iterable[str], default: str) -> str:
    """The language of `texts` (ISO 639-1), or `default` where their function words do not tell."""
    found: Counter[str] = Counter()
    total = 0
    for text in texts:
        words = split_words(text)
        total += len(words)
        for word in words:
            found.update(_LANGUAGES.get(word, ()))
    if not found:
        return default
    code, hits = found.most_common(1)[0]
    return code if hits >= ENOUGH * total and hits > found[default] else default
