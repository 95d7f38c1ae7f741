"""How much a text looks like an attempt to make the assistant leave its rules: 0 to 1, with reasons.

This is telemetry and a reason for care, never the guarantee: what holds is that a model can only propose, that passages
are data and that the customer confirms. Two readers are joined by "noisy or": the rules of `patterns`, and a kernel
model over the sentence vector, which the search has made anyway, and character n-grams, fitted to the texts in
`examples`. After a change of these run `python -m agents.guardrails.injection`.
"""

from __future__ import annotations

import math
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.guardrails.patterns import find_signs
from agents.routing import kernel
from agents.routing.builtin import embed
from knowledge.embedding.base import get_embedder

if TYPE_CHECKING:
    from agents.routing.kernel import KernelRidge
    from knowledge.embedding.base import Floats

FOLDER = Path(__file__).parent / "examples"
VECTORS = FOLDER / "vectors.npz"
SUSPICIOUS = 0.5
"""Score from which a message gets care; chosen on the development half of `benchmarks.injection`."""
EVEN, SLOPE = 0.06, 0.12
"""Score of the kernel model that counts as 1/2, and how fast that changes; from the same half."""
LOCAL = "all-MiniLM-L6-v2"
"""The embedder whose vectors of the examples are committed."""
RESEMBLES = "Reads like known attempts"
HEAD, TAIL = 1500, 700
"""Characters of a long text that are read: attempts stand at its beginning or its end."""

_fitting = threading.Lock()


class Injection(NamedTuple):
    """How much a text looks like an attempt (0..1), and why, heaviest reason first."""

    score: float
    reasons: tuple[str, ...]


def score_injection(text: str, vector: Floats | None = None) -> Injection:
    """Score a text; .2 ms for a short one, 5 ms for the longest.

    Args:
        text: what a customer wrote, or a passage.
        vector: float32 [d], unit length, its sentence vector; without one the characters alone are compared.
    """
    text = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"
    signs = find_signs(text)
    resemblance = resemble(text, vector)
    innocence = (1 - resemblance) * math.prod(1 - sign.weight for sign in signs)
    reasons = [sign.reason for sign in signs]
    if resemblance >= SUSPICIOUS:
        reasons.append(RESEMBLES)
    return Injection(round(1 - innocence, 3), tuple(reasons))


def score_signs(text: str) -> Injection:
    """Score a passage by its signs alone: the examples are what customers write, which mails and pages resemble."""
    signs = find_signs(text)
    return Injection(round(1 - math.prod(1 - sign.weight for sign in signs), 3), tuple(sign.reason for sign in signs))


def resemble(text: str, vector: Floats | None = None) -> float:
    """Return how much `text` resembles the examples of attempts, 0 to 1."""
    if not (_fit.cache_info().currsize or get_embedder().name == LOCAL):
        return 0.0  # another embedder's vectors come over the network: a server waits for them as it starts
    model = injection_model()
    width = model.vectors.shape[1]
    vectors = vector[None] if vector is not None and len(vector) == width else np.zeros((1, width), np.float32)
    score = float(model.scores(vectors, [text])[0][0][model.classes.index("injection")])
    return 1 / (1 + math.exp(-(score - EVEN) / SLOPE))


def injection_model() -> KernelRidge:
    """Return the model of this process, fitted at the first call (half a second; the vectors are committed).

    Raises:
        EmbedderError: the embedder is not the local one and cannot be used.
    """
    with _fitting:
        return _fit(get_embedder().name)


@cache
def examples() -> tuple[tuple[str, str], ...]:
    """Return (label, text) of all examples in a fixed order; labels are "injection" and "harmless"."""
    return tuple(
        (path.name.split(".")[0], line)
        for path in sorted(FOLDER.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip()
    )


@cache
def _fit(embedder: str) -> KernelRidge:
    del embedder  # the model is kept by it
    labels, texts = zip(*examples(), strict=True)
    vectors, keys = embed(get_embedder(), texts, _kept())
    return kernel.fit(vectors, texts, labels, keys)


def _kept() -> dict[int, Floats]:
    """The vectors beside the examples, by key."""
    if not VECTORS.is_file():
        return {}
    with np.load(VECTORS, allow_pickle=False) as file:
        return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))


def write_vectors() -> int:
    """Embed the examples with the local model and keep the vectors; returns how many."""
    from knowledge.embedding.local import LocalEmbedder

    vectors, keys = embed(LocalEmbedder(), [text for _, text in examples()], {})
    np.savez_compressed(VECTORS, keys=keys, vectors=vectors.astype(np.float16))
    return len(keys)


if __name__ == "__main__":
    print(write_vectors(), "vectors written")  # noqa: T201 (a program)
