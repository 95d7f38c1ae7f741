import numpy as np
import pytest

from agents.routing import kernel

pytestmark = pytest.mark.unit
TEXTS = [
    "where is my parcel",
    "parcel tracking",
    "track the parcel",
    "money back please",
    "refund my money",
    "my money back",
]
LABELS = ["delivery"] * 3 + ["refund"] * 3


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def vectors():
    return unit(np.random.default_rng(0).normal(size=(6, 8)))


@pytest.fixture
def model(vectors):
    return kernel.fit(vectors, TEXTS, LABELS, np.arange(6, dtype=np.uint64))


def test_the_weights_solve_the_ridge_system(vectors, model):
    rows = [kernel.weigh(text, model.rarity) for text in TEXTS]
    dense = np.zeros((6, kernel.BUCKETS))
    for number, (buckets, values) in enumerate(rows):
        dense[number, buckets] = values
    distances = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    matrix = np.exp(-kernel.GAMMA * distances) + kernel.CHARACTER_WEIGHT * dense @ dense.T + kernel.RIDGE * np.eye(6)
    targets = np.where(np.array(LABELS)[:, None] == np.array(model.classes), 1.0, -1.0)
    np.testing.assert_allclose(model.weights, np.linalg.solve(matrix, targets), atol=1e-4)


def test_factorising_in_blocks_is_factorising(monkeypatch):
    chance = np.random.default_rng(1)
    root = chance.normal(size=(37, 37))
    matrix = (root @ root.T + 37 * np.eye(37)).astype(np.float32)
    targets = chance.normal(size=(37, 3)).astype(np.float32)
    monkeypatch.setattr(kernel, "BLOCK", 8)
    np.testing.assert_allclose(kernel._solve(matrix.copy(), targets), np.linalg.solve(matrix, targets), atol=1e-4)


def test_what_was_learnt_is_known_again_and_survives_packing(vectors, model):
    copy = kernel.KernelRidge.unpack(model.pack())
    for known in (model, copy):
        best = known.scores(vectors, TEXTS)[0].argmax(axis=1)
        assert [known.classes[number] for number in best] == LABELS
    assert copy.keys.tolist() == list(range(6))


def test_characters_tell_what_the_vectors_do_not(model):
    nowhere = unit(np.ones((2, 8)))
    scores, _ = model.scores(nowhere, ["trackng my parcl", "refnd monney bck"])
    assert [model.classes[number] for number in scores.argmax(axis=1)] == ["delivery", "refund"]


@pytest.mark.parametrize("text", ["", "x", " \n", "\ud800", "字" * 5000])
def test_odd_texts_have_scores(model, text):
    assert np.isfinite(model.scores(unit(np.ones((1, 8))), [text])[0]).all()


def test_nothing_can_be_learnt_from_nothing():
    with pytest.raises(ValueError, match="no examples"):
        kernel.fit(np.zeros((0, 8), np.float32), [], [], np.zeros(0, np.uint64))


def test_what_is_no_classifier_is_refused():
    with pytest.raises((ValueError, OSError, KeyError, EOFError)):
        kernel.KernelRidge.unpack(b"nonsense")
