"""The two classifiers of a tenant as one: that of the built-in intents, and that of the intents it added.

They are kept apart because a tenant's ten examples would drown among hundreds of built-in ones. Whichever has the
example nearest to a text says what it means, with a margin in favour of the tenant's own. What a tenant adds to a
built-in intent belongs to the first.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.routing.kernel import KernelRidge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.embedding.base import Floats

MARGIN = 0.1
"""Cosine by which a built-in example must be nearer: measured, ten examples then win 97 % of what is theirs."""
OWN_FIELD, OWN_MARGIN = 20, 0.25
"""With as many intents of its own a tenant has described its field, and the built-in ones are for what lies far off."""


class Best(NamedTuple):
    """What a text means.

    Attributes:
        name: the intent.
        score: how well it fits, -1 to 1.
        lead: by how much it leads the next one.
        nearness: cosine of the text with the nearest example.
    """

    name: str
    score: float
    lead: float
    nearness: float


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """The classifiers of the built-in intents and of a tenant's own; either may be absent."""

    base: KernelRidge | None
    own: KernelRidge | None

    def best(self, vectors: Floats, texts: Sequence[str]) -> list[Best]:
        """What each text means; nothing when there is no classifier.

        Args:
            vectors: float32 [n, d], unit length.
            texts: n of them.
        """
        if self.base is None or self.own is None:
            only = self.base or self.own
            return _best(only, vectors, texts) if only else []
        margin = MARGIN if len(self.own.classes) < OWN_FIELD else OWN_MARGIN
        both = zip(_best(self.own, vectors, texts), _best(self.base, vectors, texts), strict=True)
        return [own if own.nearness > base.nearness - margin else base for own, base in both]

    def pack(self) -> bytes:
        """Both as one file."""
        parts = {name: model.pack() for name, model in (("base", self.base), ("own", self.own)) if model}
        file = io.BytesIO()
        np.savez(file, **{name: np.frombuffer(data, np.uint8) for name, data in parts.items()})  # type: ignore[arg-type] # the stubs want a bool here
        return file.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> Classifier:
        """The classifiers that `pack` wrote.

        Raises:
            ValueError, KeyError, EOFError, OSError: the data are not of classifiers.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            parts = {name: KernelRidge.unpack(file[name].tobytes()) for name in file.files}
        return cls(parts.get("base"), parts.get("own"))


def _best(model: KernelRidge, vectors: Floats, texts: Sequence[str]) -> list[Best]:
    found = []
    for scores, near in zip(*model.scores(vectors, texts), strict=True):
        order = scores.argsort()[::-1]
        first = float(scores[order[0]])
        second = float(scores[order[1]]) if len(order) > 1 else -1.0
        found.append(Best(model.classes[order[0]], first, first - second, float(near)))
    return found
