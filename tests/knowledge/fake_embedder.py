"""An embedder that needs no model: the same word always has the same vector, so texts that share words are near."""

import hashlib
import re

import numpy as np

from knowledge.embedding.base import TOKEN_SCALE, TOKEN_WIDTH, PassageEncoding, PassageInput, QueryEncoding

WORD = re.compile(r"\w+")


class FakeEmbedder:
    """Deterministic vectors by hashing words; `calls` counts the texts that were encoded."""

    name = "fake"
    dimensions = 384

    def __init__(self) -> None:
        self.calls = 0

    def count_pieces(self, text: str) -> int:
        return len(WORD.findall(text))

    def pieces_per_word(self, text: str) -> float:
        return 1.0

    def encode_passages(self, passages: list[PassageInput]) -> list[PassageEncoding]:
        self.calls += len(passages)
        return [self._passage(passage) for passage in passages]

    def encode_query(self, query: str) -> QueryEncoding:
        words = WORD.findall(query.lower()) or [""]
        tokens = np.stack([vector(word, TOKEN_WIDTH) for word in words])
        ids = np.array([number(word) for word in words], np.int32)
        return QueryEncoding(mean(words, self.dimensions), tokens, ids, 1.0)

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        return np.stack([mean(WORD.findall(text.lower()) or [""], self.dimensions) for text in texts])

    def _passage(self, passage: PassageInput) -> PassageEncoding:
        spans = passage.sentences or ((0, len(passage.text)),)
        sentences = [WORD.findall(passage.text[start:end].lower()) or [""] for start, end in spans]
        words = [(word, n) for n, sentence in enumerate(sentences) for word in sentence]
        return PassageEncoding(
            paragraph=mean([word for word, _ in words], self.dimensions),
            sentences=np.stack([mean(sentence, self.dimensions) for sentence in sentences]),
            tokens=np.stack([np.round(vector(w, TOKEN_WIDTH) * TOKEN_SCALE) for w, _ in words]).astype(np.int8),
            token_ids=np.array([number(word) for word, _ in words], np.int32),
            token_sentences=np.array([n for _, n in words], np.int16),
        )


def number(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:3])


def vector(word: str, dimensions: int) -> np.ndarray:
    found = np.random.default_rng(number(word)).standard_normal(dimensions).astype(np.float32)
    return found / np.linalg.norm(found)


def mean(words: list[str], dimensions: int) -> np.ndarray:
    total = np.sum([vector(word, dimensions) for word in words], axis=0, dtype=np.float32)
    return total / max(float(np.linalg.norm(total)), 1e-9)
