"""The seven intents every shop has, with examples in four languages; a tenant's own examples join them.

`examples/<intent>.<language>.txt` has one utterance a line. Their vectors are kept beside them, so that no process
embeds 2,000 texts when it starts; after a change of the examples run `python -m agents.routing.builtin`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import Embedder, Floats

FOLDER = Path(__file__).parent / "examples"
VECTORS = FOLDER / "vectors.npz"
DESCRIPTIONS = {
    "product_info": "Features, price, stock, warranty or compatibility of a product; a recommendation.",
    "order_status": "Where an order is or what state it is in; cancelling or changing an order.",
    "complaint": "Something is broken, wrong, late or unfriendly, and the customer says so.",
    "refund": "Money back, a return or an exchange, or how far one of these has come.",
    "delivery": "Shipping times, costs, address, courier, pick-up, or a parcel on its way.",
    "comparison": "One product against another: what differs, which is better.",
    "general": "Opening hours, account, payment methods, contact, privacy, jobs, gift cards, anything else.",
}


class Example(NamedTuple):
    """An utterance and what it wants."""

    intent: str
    text: str


@cache
def examples() -> tuple[Example, ...]:
    """All built-in examples, in a fixed order."""
    return tuple(
        Example(path.name.split(".")[0], line)
        for path in sorted(FOLDER.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip()
    )


@cache
def digest() -> str:
    """SHA-256 of the examples."""
    return hashlib.sha256(repr(examples()).encode()).hexdigest()


def key_of(model: str, text: str) -> int:
    """64 bits that name a text's vector by an embedding model."""
    return int.from_bytes(hashlib.blake2b(f"{model}\0{text}".encode("utf-8", "replace"), digest_size=8).digest())


def embed(embedder: Embedder, texts: Sequence[str], known: dict[int, Floats]) -> tuple[Floats, NDArray[np.uint64]]:
    """Vectors, float32 [n, d], and keys, uint64 [n], of texts; what is in `known` or built in is not embedded again.

    Raises:
        EmbedderError: the embedding server does not answer.
    """
    keys = [key_of(embedder.name, text) for text in texts]
    found = built_in_vectors() | known
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    if missing:
        found |= dict(zip(missing, embedder.encode_texts(list(missing.values())), strict=True))
    return np.stack([found[key] for key in keys]).astype(np.float32), np.array(keys, np.uint64)


@cache
def built_in_vectors() -> dict[int, Floats]:
    """The vectors kept beside the examples, by key; none when there is no such file."""
    if not VECTORS.is_file():
        return {}
    with np.load(VECTORS, allow_pickle=False) as file:
        return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))


def write_vectors() -> int:
    """Embed the examples with the local model and keep the vectors; returns how many."""
    from knowledge.embedding.local import LocalEmbedder

    vectors, keys = embed(LocalEmbedder(), [example.text for example in examples()], {})
    np.savez_compressed(VECTORS, keys=keys, vectors=vectors.astype(np.float16))
    return len(keys)


if __name__ == "__main__":
    print(write_vectors(), "vectors written")  # noqa: T201 (a program)
