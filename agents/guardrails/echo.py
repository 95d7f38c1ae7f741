"""Echoes of the system prompt in an answer, taken out while it streams.

`LONG` words of the prompt in a row are an echo; once one was found, `LONG_AGAIN` are. Of a shorter run nothing is held
against the writer: rules are made of ordinary words. What else may be said in the same words (passages, what the
customer wrote, what the prompt itself puts into quotation marks) is no echo.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONG, LONG_AGAIN = 12, 6
"""Words of an echo: the first, and those that follow it."""
START = 4
"""Words after which more is held back."""
HELD = 60
"""Characters held back at most: a run that is not over by then is judged as it stands."""
LONGEST_GAP = 8
"""Characters between two words of a run."""
TOKEN = re.compile(r"\w+|[`<>|\[\]()!]|[^\w`<>|\[\]()!]+")
BREAK = frozenset("`<>|[]()!")
"""What Markdown may be made of is never taken out, and ends a run."""
QUOTED = re.compile(r'"([^"\n]{1,2000})"|“([^”\n]{1,2000})”|«([^»\n]{1,2000})»|„([^“”\n]{1,2000})[“”]')
Gram = tuple[str, ...]


class Prompt:
    """The words of a system prompt, and where each `START` of them in a row stand."""

    def __init__(self, text: str) -> None:
        """Read a prompt's text."""
        self.words = words_of(text)
        self.vocabulary = frozenset(self.words)
        self.quoted = tuple(joined("".join(part)) for part in QUOTED.findall(text))
        self.places: dict[Gram, list[int]] = {}
        for end in range(START, len(self.words) + 1):
            self.places.setdefault(tuple(self.words[end - START : end]), []).append(end)


@lru_cache(maxsize=64)
def read_prompt(text: str) -> Prompt:
    """Return the prompt of this text; the latest are remembered."""
    return Prompt(text)


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters."""
    return re.findall(r"\w+", text.casefold())


def joined(text: str) -> str:
    """Return the words of a text with one space between."""
    return f" {' '.join(words_of(text))} "


class EchoFilter:
    """Filters one text: what `feed` and `finish` return, joined, is the same however the text is cut into pieces."""

    def __init__(self, prompt: Callable[[], str], may_say: Callable[[str], bool], mark: str) -> None:
        """Take the prompt in use, what tells whether words in a row (see `joined`) may be repeated, and a mark.

        Both are asked once something is written, `may_say` only for what is an echo otherwise.
        """
        self._prompt, self._may_say, self._mark = prompt, may_say, mark
        self._word = ""  # the word that is being written
        self._latest: Gram = ()  # the words before it, up to START
        self._held = ""
        self._run: list[str] = []  # words of the prompt in a row, the first START of which are out
        self._places: list[int] = []  # in the prompt, where the run may go on
        self._dropping = False
        self._long = LONG
        self._gap = 0
        self._known: Mapping[Gram, list[int]] | None = None
        self._words: list[str] = []
        self._vocabulary: frozenset[str] = frozenset()

    def feed(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        if self._known is None and text:
            prompt = read_prompt(self._prompt())
            self._known, self._words, self._vocabulary = prompt.places, prompt.words, prompt.vocabulary
        if not self._known:
            return text
        out: list[str] = []
        for token in TOKEN.findall(text):
            if token[0].isalnum() or token[0] == "_":
                self._word += token
                self._gap = 0
            else:
                if self._word:
                    self._end_word(out)
                self._gap += len(token)
                if token in BREAK:
                    self._break(out)
            if self._places:
                self._held += token
            else:
                out.append(token)
            if len(self._word) > HELD or self._gap > LONGEST_GAP:
                self._break(out)
        return "".join(out)

    def finish(self) -> str:
        """Return what was held back; what is fed afterwards is a text of its own."""
        out: list[str] = []
        if self._word:
            self._end_word(out)
        self._break(out)
        return "".join(out)

    def _end_word(self, out: list[str]) -> None:
        word, self._word = self._word.casefold(), ""
        self._latest = (*self._latest[1 - START :], word) if word in self._vocabulary else ()
        if self._places:
            self._go_on(word, out)
        elif len(self._latest) == START and self._known:
            self._places = self._known.get(self._latest, [])
            self._run = list(self._latest)

    def _go_on(self, word: str, out: list[str]) -> None:
        """A word behind a run: it goes on, or is over."""
        self._places = [p + 1 for p in self._places if p < len(self._words) and self._words[p] == word]
        self._run.append(word)
        if not self._places:
            self._break(out)
            self._latest = (word,)
        elif self._dropping:
            self._held = ""
        elif len(self._run) >= self._long or len(self._held) > HELD:
            self._judge(out)

    def _judge(self, out: list[str]) -> None:
        """Take a run out, unless it may be said."""
        run = f" {' '.join(self._run)} "
        if self._may_say(run) or any(run in text for text in read_prompt(self._prompt()).quoted):
            self._break(out)
            return
        space = self._held[: len(self._held) - len(self._held.lstrip())]
        out.append(f"{space or ' '}{self._mark}")
        self._held, self._dropping, self._long = "", True, LONG_AGAIN

    def _break(self, out: list[str]) -> None:
        """A run is over: what is still held belongs to no echo."""
        if self._held:
            out.append(self._held)
        self._held, self._places, self._latest, self._dropping = "", [], (), False
