import time

import pytest

from commerce.patterns import check_patterns, compiled

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("patterns", [["("], [""], ["x" * 200], "SO", [1], [r".*"], [r"\w+"], [r"(a+)+b"], ["a"] * 30])
def test_patterns_that_would_harm_are_refused_in_words(patterns):
    started = time.perf_counter()
    problems = check_patterns(patterns)
    assert problems
    assert all(isinstance(problem, str) for problem in problems)
    assert time.perf_counter() - started < 2


def test_usual_patterns_are_accepted():
    assert check_patterns([r"SO\d{6}", r"[A-Z]{2}-\d+", r"#\w\d{4,9}"]) == []
    assert check_patterns([]) == []


def test_what_is_wrong_names_the_pattern():
    assert check_patterns([r"SO\d{6}", r".*", r"(a+)+b"]) == [
        "“.*”: it fits ordinary words. Ask for digits: SO\\d{6}.",
        "“(a+)+b”: do not repeat what is repeated already, as in (a+)+.",
    ]


def test_patterns_that_cannot_be_used_are_left_out():
    assert [pattern.pattern for pattern in compiled((r"SO\d{6}", "(", ".*"))] == [r"SO\d{6}"]
