import pytest

from chat.traces import account_of

pytestmark = pytest.mark.unit


def test_events_that_tell_their_end_follow_each_other():
    trace = {"events": [{"event": "input", "ms": 2}, {"event": "search", "ms": 10}, {"event": "odd thing", "ms": 20}]}
    account = account_of(trace, [], "acme")
    assert [(h.label, h.ms) for h in account.happenings] == [
        ("Input checked", 2),
        ("Documents searched", 8),
        ("Odd thing", 10),
    ]
    assert [(h.start, h.share) for h in account.happenings] == [(0, 0.1), (0.1, 0.4), (0.5, 0.5)]
    assert account.total_ms == 20


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("faiss", "24 documents searched in memory, 2 passages kept"),
        ("words", "24 documents searched by words alone, 2 passages kept"),
        ("of tomorrow", "24 documents searched, 2 passages kept"),
    ],
)
def test_a_search_says_where_it_looked(index, said):
    trace = {"events": [{"event": "search", "ms": 2}], "documents": 24, "index": index, "passages": [{}, {}]}
    assert account_of(trace, [], "acme").happenings[0].detail == said


def test_events_that_tell_their_beginning_keep_it():
    trace = {"events": [{"kind": "a", "label": "A", "start_ms": 5, "ms": 10}, {"kind": "b", "start_ms": 0, "ms": 20}]}
    account = account_of(trace, [], "acme")
    assert [(h.label, h.start, h.share) for h in account.happenings] == [("A", 0.25, 0.5), ("B", 0, 1)]


def test_scores_are_named_and_stand_in_the_order_they_arise():
    trace = {"passages": [{"n": 1, "score": 0.5, "scores": {"fused": 0.4, "lexical": 8.0, "new": 0.1}}]}
    hit = account_of(trace, [], "acme").hits[0]
    assert [(s.label, s.value, s.share) for s in hit.scores] == [
        ("Words", 8.0, 1.0),
        ("Together", 0.4, 0.4),
        ("new", 0.1, 0.1),
    ]
    assert (hit.total.label, hit.total.share) == ("Score", 0.5)


def test_a_question_that_was_not_rewritten_is_not_repeated():
    assert account_of({"question": "Why?", "rewritten": "Why?"}, [], "acme").rewritten == ""
    assert account_of({"question": "Why?", "rewritten": "Why is it so?"}, [], "acme").rewritten == "Why is it so?"


def test_a_cited_passage_is_known_by_its_chunk():
    trace = {"passages": [{"n": 1, "chunk": 4}, {"n": 2, "chunk": 5}]}
    hits = account_of(trace, [{"n": 1, "chunk": 5}], "acme").hits
    assert [hit.cited for hit in hits] == [False, True]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"chosen": "primary", "would": "primary", "rule": "", "mode": "on"}, "The primary model, no rule fitted"),
        (
            {"chosen": "strong", "would": "strong", "rule": "Long", "mode": "on", "economy": False},
            "The strong model, by the rule “Long”",
        ),
        (
            {"chosen": "primary", "would": "strong", "rule": "Long", "mode": "shadow"},
            "The primary model; were routing on, the strong model, by the rule “Long”",
        ),
        (
            {"chosen": "primary", "would": "strong", "rule": "Long", "mode": "on", "economy": True},
            "The primary model, because the budget is nearly spent; else the strong model, by the rule “Long”",
        ),
    ],
)
def test_which_model_was_chosen_is_said_in_words(choice, said):
    assert dict(account_of({"routing": choice}, [], "acme").facts)["Routing"] == said


def test_where_there_was_nothing_to_choose_nothing_is_said():
    assert account_of({"routing": None, "prompt_version": "2+answer.3"}, [], "acme").facts == (
        ("Prompt version", "2+answer.3"),
    )
