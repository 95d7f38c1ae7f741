"""The measures, by hand, and the files they are read from."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from knowledge.evaluation import EvaluationError, evaluate, measures, ranked_documents, read_judgements, read_queries


def test_measures_of_one_relevant_document() -> None:
    found = measures(["a", "b", "c"], {"b": 1.0})

    assert found == {
        "recall@1": 0,
        "recall@5": 1,
        "recall@10": 1,
        "precision@5": 0.2,
        "mrr@10": 0.5,
        "ndcg@10": pytest.approx(1 / math.log2(3)),
    }


def test_measures_of_several() -> None:
    found = measures(list("abcdefghijkl"), {"a": 1.0, "c": 1.0, "l": 1.0, "z": 1.0})

    assert (found["recall@1"], found["recall@5"], found["recall@10"]) == (0.25, 0.5, 0.5)
    assert found["precision@5"] == 0.4
    assert found["mrr@10"] == 1
    ideal = sum(1 / math.log2(place + 1) for place in (1, 2, 3, 4))
    assert found["ndcg@10"] == pytest.approx((1 + 0.5) / ideal)


def test_graded_relevance_counts_in_ndcg_only() -> None:
    right, wrong = measures(["a", "b"], {"a": 3.0, "b": 1.0}), measures(["b", "a"], {"a": 3.0, "b": 1.0})

    assert right["ndcg@10"] == 1 > wrong["ndcg@10"]
    assert right["recall@1"] == wrong["recall@1"] == 0.5


def test_nothing_found() -> None:
    assert set(measures([], {"a": 1.0}).values()) == {0}


def passages(*documents: str) -> SimpleNamespace:
    return SimpleNamespace(passages=[SimpleNamespace(document=document) for document in documents], ms=4.0)


def test_evaluating_asks_every_judged_query(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"one": passages("a", "b"), "two": passages("b", "a")}
    monkeypatch.setattr("knowledge.retrieval.search.search", lambda _tenant, query, **_: answers[query])

    found = evaluate(1, {"q1": "one", "q2": "two", "q3": "unjudged"}, {"q1": {"a": 1}, "q2": {"a": 1, "b": 0}})

    assert found.queries == 2
    assert found.metrics["recall@1"] == 0.5
    assert found.metrics["mrr@10"] == 0.75
    assert found.latency_ms == {"p50": 4, "p95": 4}


def test_documents_of_many_passages_do_not_crowd_out_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = ["a"] * 9 + ["b"]
    answers = {10: passages(*crowd), 50: passages(*crowd, "c", "d")}
    monkeypatch.setattr("knowledge.retrieval.search.search", lambda _tenant, _query, *, k, **_: answers[k])

    assert ranked_documents(1, "q") == (["a", "b", "c", "d"], 4.0)


def test_no_judged_query_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="ids in both files"):
        evaluate(1, {"q": "text"}, {"other": {"a": 1}})


def test_files_are_read(tmp_path: Path) -> None:
    queries, qrels = tmp_path / "q.jsonl", tmp_path / "r.jsonl"
    queries.write_text('\ufeff{"id": "1", "text": "How?\u2028"}\r\n\n{"id": 2, "text": "Why?"}\n', encoding="utf-8")
    qrels.write_text('{"query": "1", "document": "a", "relevance": 2}\n{"query": 2, "document": "b"}')

    assert read_queries(queries) == {"1": "How?\u2028", "2": "Why?"}
    assert read_judgements(qrels) == {"1": {"a": 2.0}, "2": {"b": 1.0}}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 1: this is not JSON"),
        ("[1]", "write one object a line"),
        ('{"query": "1"}', "document is missing"),
        ('{"query": true, "document": "a"}', "query is missing"),
        ('{"query": "1", "document": "a", "relevance": "high"}', "relevance must be a number"),
        ('{"query": "1", "document": "a", "relevance": NaN}', "relevance must be a number"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(line)

    with pytest.raises(EvaluationError, match=complaint):
        read_judgements(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_queries(tmp_path / "none.jsonl")
