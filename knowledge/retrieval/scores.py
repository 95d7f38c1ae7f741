"""What the partial scores of a passage are called where people read them."""

#: By their names in `Passage.scores`, in the order they arise.
SCORES = {
    "lexical": "Words",
    "cosine": "Best sentence",
    "dense": "Meaning",
    "fused": "Together",
    "interaction": "Word by word",
    "rerank": "Ranking",
    "curated": "Curated answer",
}
