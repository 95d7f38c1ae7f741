"""Questions from files: what is taken, and what is said of what is not."""

import pytest

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.expectations import Expected, expectations, folded, from_lines
from knowledge.evaluation.importing import NewCase, read_file, read_pair

pytestmark = pytest.mark.unit


def test_json_lines():
    data = (
        b'\xef\xbb\xbf{"question": "How?", "documents": ["a", 7], "answer": "So."}\r\n\n'
        b'{"text": "Why?", "documents": "a", "passages": [{"document": "b", "quote": "x  y"}], "answer": ["1", "2"]}\n'
        b'{"question": "Who?", "expected": [{"document": "c", "relevance": 2}, "c"]}'
    )
    first, second, third = read_file(data, "q.jsonl")
    assert first == NewCase("How?", (Expected("a"), Expected("7")), "So.")
    assert second == NewCase("Why?", (Expected("a"), Expected("b", "x  y")), "1\n2")
    assert third.expected == (Expected("c"),)


def test_tables():
    comma = read_file(b'Question,Documents,Quote,Answer,Note\n"A, b?",x;y,,yes,n\nC?,x,"q, r",,\n,,,,\n', "q.csv")
    assert comma[0] == NewCase("A, b?", (Expected("x"), Expected("y")), "yes", "n")
    assert comma[1].expected == (Expected("x", "q, r"),)
    assert len(comma) == 2
    semicolon = read_file("question;documents\nWo?;ü\n".encode(), "q.csv")
    assert semicolon == [NewCase("Wo?", (Expected("ü"),))]
    assert read_file(b"question\tdocument\nWo?\tx\n", "q.tsv") == [NewCase("Wo?", (Expected("x"),))]


def test_the_pair_of_the_command():
    queries = b'{"id": 1, "text": "One"}\n{"id": 2, "text": "Two"}'
    judgements = (
        b'{"query": 1, "document": "a"}\n{"query": 1, "document": "b", "relevance": 2}\n'
        b'{"query": 2, "document": "c", "relevance": 0}'
    )
    [case] = read_pair(queries, "q.jsonl", judgements, "r.jsonl")
    assert case == NewCase("One", (Expected("a"), Expected("b", "", 2.0)))
    with pytest.raises(EvaluationError, match="ids in both files agree"):
        read_pair(queries, "q.jsonl", b"", "r.jsonl")


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("q.jsonl", b"", "holds no questions"),
        ("q.jsonl", b'{"question": "x"}\nnonsense', "q.jsonl, line 2: this is not JSON"),
        ("q.jsonl", b"[" * 100_000, "line 1: this is not JSON"),
        ("q.jsonl", b"[]", "line 1: write one object a line"),
        ("q.jsonl", b'{"documents": ["a"]}', "line 1: question is missing"),
        ("q.jsonl", b'{"question": "x", "documents": [{"quote": "y"}]}', "line 1: document is missing"),
        ("q.jsonl", b'{"question": "x", "documents": [[1]]}', "line 1: what is expected is the id"),
        ("q.jsonl", b'{"question": "x", "documents": [{"document": "a", "quote": 3}]}', "quote must be a text"),
        ("q.jsonl", b'{"question": "x", "expected": [{"document": "a", "relevance": -1}]}', "more than 0"),
        ("q.jsonl", b'{"question": "x", "answer": {"a": 1}}', "answer must be a text"),
        ("q.jsonl", b'\n\n{"question": "\xff"}', "line 3: this is not text in UTF-8"),
        ("q.csv", b"a,b\n1,2\n", "“question” is missing"),
        ("q.csv", b"question,documents\n,x\n", "line 2: question is missing"),
        ("q.csv", b"question,documents,quote\nx,a;b,y\n", "line 2: a quote needs exactly one document"),
        ("q.csv", b"question,documents\nx,a,b,c\n", "line 2: there are more cells than columns"),
        ("q.csv", b"\x00\x01\x02", "question"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(name, data, complaint):
    with pytest.raises(EvaluationError, match=complaint):
        read_file(data, name)


def test_lines_that_people_write():
    wanted = from_lines("a\n\n b | Some  words \na\n")
    assert wanted == [Expected("a"), Expected("b", "Some  words")]
    assert [expected.as_line() for expected in wanted] == ["a", "b | Some words"]
    with pytest.raises(EvaluationError, match="Line 2: the id of a document is missing"):
        from_lines("a\n| words")


def test_what_is_expected_is_expected_once():
    rows = ["a", {"document": "a"}, {"document": "a", "quote": "X y"}, {"document": "a", "quote": "x  Y"}]
    assert [expected.key for expected in expectations(rows, "It")] == ["a", "a | x y"]
    assert folded(" STRASSE\n straße ") == "strasse strasse"
