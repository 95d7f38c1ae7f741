"""The prompts: one text file each, and what a tenant has published in their place; `Prompts.fill` fills the places."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from agents.prompts.places import Form, fill_places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.retrieval.search import Passage

FENCE = re.compile(r"<(?=\s*/?\s*passage)", re.IGNORECASE)
FOLDER = Path(__file__).parent
VERSION = "3"
"""Of the files; raise it with every change of one."""
UNKNOWN = "[unknown]"
FORMS = {
    "answer": Form(
        "Answers", "Tells the model how to answer from the documents, where there is no shop.",
        optional=("tenant",), marks=(UNKNOWN,),
    ),
    "act": Form(
        "Answers of a shop", "Tells the model how to answer from documents and tools.",
        optional=("tenant",), marks=(UNKNOWN,),
    ),
    "question": Form("Question", "The customer's words with the passages found.", required=("passages", "question")),
    "decided": Form("After a change", "What became of a change that was just decided on.", required=("told",)),
    "style": Form("Style", "Carries the tone of the answer policy to the model.", required=("tone",)),
    "care": Form("Care", "Reminds the model of its rules when a message looks like an attempt to change them."),
    "rewrite": Form("Follow-ups", "Makes a follow-up into a question that can be searched for."),
    "classify": Form("Intents", "Sorts messages by intent, in commands.", required=("intents",)),
}  # fmt: skip
"""Every prompt there is."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a tenant, as they are now.

    `texts` are those that stand in place of the files, checked; `numbers` say which version of each it is.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """A short text that is another one whenever a prompt is: "3", or "3+answer.3+question.1"."""
        return "+".join([VERSION, *(f"{name}.{self.numbers[name]}" for name in sorted(self.numbers))])

    def text(self, name: str) -> str:
        """Return prompt `name` with its places unfilled.

        Raises:
            FileNotFoundError: there is no such prompt.
        """
        return self.texts.get(name) or load(name)

    def fill(self, name: str, **values: str) -> str:
        """Return prompt `name` with its places filled; braces in a value stay as they are.

        Raises:
            FileNotFoundError: there is no such prompt.
            KeyError: the prompt has a place without a value.
        """
        return fill_places(self.text(name), values)


FILES = Prompts()
"""The prompts of a tenant that has published none."""


@cache
def load(name: str) -> str:
    """Return the text of prompt `name`.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    return (FOLDER / f"{name}.txt").read_text("utf-8").strip()


def fence_passages(passages: Sequence[Passage], *, first: int = 1) -> str:
    """Return the passages as fenced data, numbered from `first`; nothing in their text can close the fence."""
    return "\n".join(_fenced(number, passage) for number, passage in enumerate(passages, first))


def _fenced(number: int, passage: Passage) -> str:
    place = _inert(" > ".join((passage.title, *passage.heading_path))).replace('"', "'")
    return f'<passage number="{number}" from="{place}">\n{_inert(passage.full_text)}\n</passage>'


def _inert(text: str) -> str:
    return FENCE.sub("(", text)
