"""How far to trust each way of searching: as a curator says, or as the texts themselves tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# How finely the embedder's vocabulary cuts a text tells how well it knows the language (pieces per word: English 1.1,
# Spanish 1.8, German 2.2, Russian 4.8: a script cut into single letters), and so how far to trust its vectors.
_PIECES_PER_WORD = (1.25, 1.6, 2.4, 3.6)
_DENSE = (0.4, 0.15, 0.15, 0.0)
_RERANK = (0.6, 0.4, 0.4, 0.0)
# A passage has so many pieces, so fewer words the more finely they are cut: more of what it is about stands beside it.
_NEIGHBOURS = (0.0, 0.3, 0.3, 0.3)


@dataclass(frozen=True, slots=True)
class Weights:
    """How a ranking is made, from 0 to 1 each; None is chosen from the text.

    Attributes:
        dense: share of meaning against words in the fused score.
        rerank: share of late interaction in the final score.
        diversity: what each passage of a document costs the next one of it.
    """

    dense: float | None = None
    rerank: float | None = None
    diversity: float = 0.0

    def dense_share(self, pieces_per_word: float) -> float:
        """The share of meaning in texts that the embedder cuts so finely."""
        return self.dense if self.dense is not None else float(np.interp(pieces_per_word, _PIECES_PER_WORD, _DENSE))

    def rerank_share(self, pieces_per_word: float) -> float:
        """The share of late interaction in texts that the embedder cuts so finely."""
        return self.rerank if self.rerank is not None else float(np.interp(pieces_per_word, _PIECES_PER_WORD, _RERANK))


CHOSEN = Weights()


def neighbours_share(pieces_per_word: float) -> float:
    """What the words of the passages beside one count for in texts that the embedder cuts so finely."""
    return float(np.interp(pieces_per_word, _PIECES_PER_WORD, _NEIGHBOURS))


def fineness(corpus: float, query: float) -> float:
    """Pieces per word of a question and of what it is asked of, half of each: a tenant may have several languages."""
    return (corpus + query) / 2 if query else corpus
