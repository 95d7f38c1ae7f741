"""Write `tests/knowledge/reference_vectors.npz`: what all-MiniLM-L6-v2 says about a few texts, computed another way.

An independent implementation to compare the embedder with: WordPiece written out here over `vocab.txt`, and the forward
pass of BERT in plain numpy in double precision, one text at a time, with no padding, no graph and no onnxruntime:

    python -m benchmarks.embedding_reference FOLDER_OF_THE_MODEL
"""

import argparse
import json
import math
import struct
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TARGET = Path(__file__).parent.parent / "tests" / "knowledge" / "reference_vectors.npz"
HEADS, LAYERS, LONGEST = 12, 6, 256
TEXTS = (
    "How long does the battery of the TechPro X1 last?",
    "Returns are accepted within 30 days of delivery, if the box is unopened.",
    "warranty",
    "I'd like to cancel order #W-2048; it hasn't shipped yet, has it?",
    "Can I pay in instalments?",
    "The quick brown fox jumps over the lazy dog.",
    "¿Cuánto tarda el envío a las Islas Canarias?",
    "Die Rücksendung ist innerhalb von vierzehn Tagen möglich, sofern die Ware unbenutzt ist.",
    "Où puis-je trouver la facture de ma dernière commande ?",
    "電源が入らないときはどうすればいいですか。",
    "Гарантия действует два года.",
    "e = mc², 3·10⁸ m/s, 16 GB RAM, 1,299.00 USD",
    "🙂 thanks!!!",
    "a",
    "unbelievably-hyphenated words_with_underscores and/or slashes...",
    (
        "To reset the router, hold the button on the back for ten seconds until the light blinks twice. Wait two "
        "minutes before you connect again. If the light stays red, the update has failed: unplug the router, wait, and "
        "start over. Your settings are kept unless you hold the button for more than twenty seconds."
    ),
    "A very long text ends where the model stops reading. " * 40,
)

Array = NDArray[np.float64]


def read_weights(path: Path) -> dict[str, Array]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    weights = {}
    for name, entry in header.items():
        if name.startswith(("embeddings", "encoder")) and entry["dtype"] == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            weights[name] = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).astype(np.float64)
    return weights


def basic_words(text: str) -> list[str]:
    """BERT's first step: lower case without accents, punctuation and ideographs on their own."""
    letters = []
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        if kind == "Mn" or kind.startswith("C"):
            continue
        ascii_sign = letter.isascii() and not letter.isalnum() and not letter.isspace()
        ideograph = 0x4E00 <= ord(letter) <= 0x9FFF or 0x3400 <= ord(letter) <= 0x4DBF
        alone = ascii_sign or kind.startswith("P") or ideograph
        letters.append(f" {letter} " if alone else letter)
    return "".join(letters).split()


def word_pieces(word: str, vocabulary: dict[str, int]) -> list[int]:
    """The longest piece first; a word that cannot be spelled is unknown."""
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                pieces.append(vocabulary[piece])
                start = end
                break
        else:
            return [vocabulary["[UNK]"]]
    return pieces


def norm(x: Array, weights: dict[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: Array, weights: dict[str, Array], name: str) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer(x: Array, weights: dict[str, Array], name: str) -> Array:
    parts = (linear(x, weights, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
    query, key, value = (part.reshape(len(x), HEADS, -1).transpose(1, 0, 2) for part in parts)
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    context = (shares @ value).transpose(1, 0, 2).reshape(len(x), -1)
    attended = linear(context, weights, f"{name}.attention.output.dense")
    x = norm(attended + x, weights, f"{name}.attention.output.LayerNorm")
    inner = linear(x, weights, f"{name}.intermediate.dense")
    erf = np.vectorize(math.erf, otypes=[np.float64])
    inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
    return norm(linear(inner, weights, f"{name}.output.dense") + x, weights, f"{name}.output.LayerNorm")


def embed(text: str, weights: dict[str, Array], vocabulary: dict[str, int]) -> Array:
    pieces = [piece for word in basic_words(text) for piece in word_pieces(word, vocabulary)]
    ids = [vocabulary["[CLS]"], *pieces[: LONGEST - 2], vocabulary["[SEP]"]]
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "embeddings.LayerNorm")
    for number in range(LAYERS):
        x = layer(x, weights, f"encoder.layer.{number}")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    weights = read_weights(folder / "model.safetensors")
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(lines)}
    vectors = np.array([embed(text, weights, vocabulary) for text in TEXTS])
    np.savez_compressed(TARGET, texts=np.array(TEXTS), vectors=vectors.astype(np.float32))


if __name__ == "__main__":
    main()
