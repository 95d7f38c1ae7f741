"""Places in a prompt, such as {tenant}: filling them, and what is wrong with a text that people have changed.

Not `str.format`: that would reach into values ({tenant.__class__}), and pad one to any length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PIECE = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
"""A brace that is meant as such, a place, or a brace too many."""
MAX_LENGTH = 20_000
"""Characters of a prompt."""
NEAR = 20
"""Characters shown around a fault."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a prompt is for, and what must and may stand in it.

    `required` and `optional` are the names of places; `marks` are texts that the answer is read by.
    """

    title: str
    purpose: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """All places there are."""
        return (*self.required, *self.optional)


def fill_places(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its places filled, in one pass: what looks like a place in a value is left as it is.

    Raises:
        KeyError: the template has a place without a value.
    """
    return PIECE.sub(lambda piece: values[piece[1]] if piece[1] is not None else piece[0][0], template)


def problems_of(template: str, form: Form) -> list[str]:
    """Return what is wrong with a template, each in a sentence for whoever wrote it; empty when nothing is."""
    if not template.strip():
        return ["A prompt cannot be empty."]
    if len(template) > MAX_LENGTH:
        return [f"A prompt has at most {MAX_LENGTH:,} characters; this one has {len(template):,}."]
    pieces = list(PIECE.finditer(template))
    found = {piece[1] for piece in pieces if piece[1] is not None}
    lone = [_lone(template, piece.start()) for piece in pieces if piece[1] is None and len(piece[0]) == 1]
    strange = [_strange(name, form) for name in sorted(found - set(form.places))]
    missing = [f"Keep {{{name}}}: the model has to be told it." for name in form.required if name not in found]
    marks = [f"Keep {mark}: the answer is read by it." for mark in form.marks if mark not in template]
    return [*lone, *strange, *missing, *marks]


def _lone(template: str, at: int) -> str:
    near = " ".join(template[max(0, at - NEAR) : at + NEAR].split())
    return f"A brace stands alone near “{near}”. A place is one word in braces; write {{{{ and }}}} for braces."


def _strange(name: str, form: Form) -> str:
    known = ", ".join(f"{{{place}}}" for place in form.places)
    there = f"The places here are: {known}." if known else "This prompt has no places; write {{ and }} for braces."
    return f"There is no place {{{name[:NEAR]}}}. {there}"
