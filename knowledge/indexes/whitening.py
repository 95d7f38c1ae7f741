"""Soft whitening: cosines without what all texts of a tenant have in common.

Sentences minus their mean and questions minus theirs, then every principal direction divided by its variance to the
power of .15 (full whitening, .5, discards too much of English). A tenant's own questions are not needed: their mean is
that of its sentences plus the offset between questions and passages, which is much the same for all corpora.

A small tenant's statistics lean on a prior that was measured on public text (`benchmarks/embedding_constants.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from knowledge.indexes.base import Floats

POWER = 0.15
MEAN_WEIGHT, SPREAD_WEIGHT = 20, 500  # sentences that the prior counts for
FEW = 200  # sentences below which nothing is known of how a tenant's own spread
SAMPLE = 20_000  # sentences that the statistics are taken from
SMALLEST = 1e-6  # of a norm or a relative variance
PRIORS = {"all-MiniLM-L6-v2": Path(__file__).parent / "minilm_prior.npz"}


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is known of a model's vectors before a tenant has any.

    Attributes:
        mean: float32 [d], of sentences.
        offset: float32 [d], from the mean of sentences to that of questions.
        spread: float32 [d, d], the covariance of sentences.
    """

    mean: Floats
    offset: Floats
    spread: Floats


@cache
def prior_of(model: str, dimensions: int) -> Prior:
    """The shipped prior of `model`; for another one, vectors that spread evenly around zero."""
    path = PRIORS.get(model)
    if path is None:
        zero = np.zeros(dimensions, np.float32)
        even: Floats = np.diag(np.full(dimensions, 1 / dimensions, np.float32))
        return Prior(zero, zero, even)
    with np.load(path) as stored:
        axes = stored["axes"].astype(np.float32)
        spread = (axes * stored["variances"]) @ axes.T + float(stored["rest"]) * np.eye(dimensions, dtype=np.float32)
        return Prior(stored["mean"].astype(np.float32), stored["offset"].astype(np.float32), spread)


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """The statistics of one tenant's sentences.

    Attributes:
        mean, question_mean: float32 [d].
        factor: float32 [d, d], symmetric; multiplies centred vectors.
        sentences: how many sentences it was made of.
    """

    mean: Floats
    question_mean: Floats
    factor: Floats
    sentences: int

    @classmethod
    def measure(cls, sample: Floats, prior: Prior, sentences: int | None = None) -> Whitening:
        """The statistics of a sample (float32 [n, d], unit length) of so many sentences, shrunk towards the prior.

        A few say nothing about how sentences spread: their tenants share the prior's factor.
        """
        mean = (sample.sum(axis=0) + MEAN_WEIGHT * prior.mean) / (len(sample) + MEAN_WEIGHT)
        factor = _prior_factor(prior)
        if len(sample) >= FEW:
            centred = sample - mean
            factor = _factor((centred.T @ centred + SPREAD_WEIGHT * prior.spread) / (len(sample) + SPREAD_WEIGHT))
        count = len(sample) if sentences is None else sentences
        return cls(mean.astype(np.float32), (mean + prior.offset).astype(np.float32), factor, count)

    def norms(self, sentences: Floats) -> Floats:
        """The lengths of whitened sentences (float32 [n, d], unit length), float32 [n]."""
        lengths: Floats = np.linalg.norm((sentences - self.mean) @ self.factor, axis=1)
        return np.maximum(lengths, SMALLEST)

    def direction(self, query: Floats) -> Floats:
        """What a raw sentence is multiplied with: (sentence - mean) @ direction / norm is the whitened cosine."""
        whitened = (query - self.question_mean) @ self.factor
        length = max(float(np.linalg.norm(whitened)), SMALLEST)
        direction: Floats = (self.factor @ (whitened / length)).astype(np.float32)
        return direction


@cache
def unmeasured(prior: Prior) -> Whitening:
    """The statistics of a tenant of which nothing is known but the prior."""
    return Whitening.measure(np.zeros((0, len(prior.mean)), np.float32), prior)


@cache
def _prior_factor(prior: Prior) -> Floats:
    return _factor(prior.spread)


def _factor(spread: Floats) -> Floats:
    variances, axes = np.linalg.eigh(spread)
    variances = np.maximum(variances, variances[-1] * SMALLEST)
    factor: Floats = ((axes * variances**-POWER) @ axes.T).astype(np.float32)
    return factor
