"""Measures synonyms: how much of what a customer's own word costs they bring back, and that they cost nothing else.

    python -m benchmarks.synonyms [--data ../shared/data] [--work FOLDER] [--questions 300]

In SQuAD questions the word that tells most (by idf, of those in the passage that answers) is replaced by an invented
one, which no document has; a group of synonyms joins the two. R@1 of the questions as they are, with the invented word,
with synonyms in the lexical fields alone, and in the vector, too. Bar: synonyms bring back 3/4 of what was lost, and
questions as they are lose nothing when every such word has a synonym.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from benchmarks.squad import run

if TYPE_CHECKING:
    from knowledge.retrieval.synonyms import Group

BAR = 0.75


def measure(folder: Path, count: int) -> bool:
    from benchmarks.retrieval import ingested
    from knowledge.evaluation import read_judgements, read_queries
    from knowledge.indexes.replica import replicas

    tenant = ingested(folder)
    snapshot = replicas.load(tenant)
    queries, judgements = read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels.jsonl")
    step = max(len(queries) // count, 1)
    asked = []
    for number, query in enumerate(list(queries)[::step][:count]):
        word = telling_word(snapshot, queries[query])
        invented = f"zorb{number:04d}ix"
        asked.append((queries[query], word, invented, set(judgements[query])))
    groups = [(invented, word) for _, word, invented, _ in asked]
    own = [(text, answers) for text, _, _, answers in asked]
    replaced = [(text.replace(word, invented), answers) for text, word, invented, answers in asked]
    plain, lost = recall(tenant, own, []), recall(tenant, replaced, [])
    with patch("knowledge.retrieval.search.in_known_words", lambda _index, text, _expansions: text):
        by_words = recall(tenant, replaced, groups)
    both, beside = recall(tenant, replaced, groups), recall(tenant, own, groups)
    print(f"{len(asked)} questions, R@1: as they are {plain:.3f}; with an invented word {lost:.3f};")
    print(f"  with synonyms in the words {by_words:.3f}, in the vector, too {both:.3f}")
    back = (both - lost) / max(plain - lost, 1e-9)
    print(f"  brought back {back:.2f} of the loss (bar {BAR}); as they are, with all synonyms set {beside:.3f}")
    return back >= BAR and beside >= plain


def telling_word(snapshot: Any, text: str) -> str:
    """The word of a question with the highest idf among those that the documents have."""
    from knowledge.indexes.analysis import Analyser

    analyser = Analyser(snapshot.lexical.language)
    words = [word for word in text.replace("?", " ").split() if word.isalpha()] or [text]
    keys = [analyser.word_keys([[word.lower()]]) for word in words]
    known = [n for n, key in enumerate(keys) if snapshot.lexical.words.found(key).all()] or [0]
    return words[max(known, key=lambda n: float(snapshot.lexical.words.idf(keys[n])[0]))]


def recall(tenant: int, questions: list[tuple[str, set[str]]], groups: "list[tuple[str, str]] | list[Group]") -> float:
    from knowledge.models import SearchSettings
    from knowledge.queries import knowledge_version
    from knowledge.retrieval.policy import SearchPolicy, policies
    from knowledge.retrieval.search import search
    from knowledge.retrieval.synonyms import Group, Synonyms
    from tenants.scope import tenant_scope

    with tenant_scope(tenant):
        version = knowledge_version()
    synonyms = Synonyms(tuple(Group(tuple(words)) for words in groups))
    policies._kept[tenant] = SearchPolicy(version, SearchSettings(), synonyms)  # noqa: SLF001 (nothing is written)
    good = 0
    for text, answers in questions:
        passages = search(tenant, text, k=1).passages
        good += bool(passages) and passages[0].document in answers
    return good / len(questions)


if __name__ == "__main__":
    run(__doc__ or "", "questions", 300, measure)
