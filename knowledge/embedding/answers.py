"""What an embedding server sent, looked at before it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.embedding.base import EmbedderError

if TYPE_CHECKING:
    from knowledge.embedding.base import Floats

MAX_DIMENSIONS = 16_000  # of a vector that PostgreSQL stores
NOT_JSON = (
    "What the embedding server sent is no answer of an embedding server. "
    "Check the address: most end in /v1, such as https://api.example.com/v1."
)
NO_VECTORS = "The embedding server sent an answer without vectors. Check the address and the model's name."


def read_vectors(body: Any, count: int, dimensions: int | None) -> Floats:
    """The unit vectors of `count` texts in their order, float32 [count, d].

    Args:
        body: the answer, from its JSON.
        count: how many texts were sent.
        dimensions: how long vectors of this model are; None: as long as these.

    Raises:
        EmbedderError: it is anything else than one usable vector for each text.
    """
    rows = _in_order(body, count)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise EmbedderError("The embedding server sent vectors of different lengths in one answer, so none was kept.")
    [length] = lengths
    if dimensions is not None and length != dimensions:
        raise EmbedderError(
            f"The embedding server sent vectors of {length} numbers; those of this model had {dimensions}. "
            "It is another model now: add it under another name."
        )
    if not 1 <= length <= MAX_DIMENSIONS:
        raise EmbedderError(f"Vectors of {length} numbers cannot be stored: {MAX_DIMENSIONS} are the most.")
    return _units(rows)


def _in_order(body: Any, count: int) -> list[list[Any]]:
    """The vectors by the `index` of each; their order in the answer is no promise."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise EmbedderError(NO_VECTORS)
    rows = {item.get("index", place): item.get("embedding") for place, item in enumerate(data)}
    if len(data) != count or rows.keys() != set(range(count)):
        raise EmbedderError(
            f"The embedding server sent {len(data)} vectors for {count} texts, or one twice, so none was kept."
        )
    found = [rows[place] for place in range(count)]
    if not all(isinstance(row, list) for row in found):
        raise EmbedderError(NO_VECTORS)
    return found


def _units(rows: list[list[Any]]) -> Floats:
    try:
        vectors = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise EmbedderError("The embedding server sent vectors with something else than numbers.") from error
    if not np.isfinite(vectors).all():
        raise EmbedderError("The embedding server sent vectors with numbers that are none (NaN or infinite).")
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    if not largest.all():
        raise EmbedderError("The embedding server sent a vector of zeros, which is near to nothing and to everything.")
    vectors /= largest  # so that no square overflows
    units: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return units
