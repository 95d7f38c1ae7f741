# ruff: noqa: E501 - tables of cases stay on few lines
"""Arguments are taken as the schema has them, slips that mean one thing are put right, all else runs nothing."""

import json
import random

import pytest

from agents.tools.arguments import check_arguments, parse_arguments
from agents.tools.base import ToolError

pytestmark = pytest.mark.unit
SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "amount": {"type": "number"},
        "flag": {"type": "boolean"},
        "items": {"type": "array", "items": {"type": "string"}},
        "kind": {"type": "string", "enum": ["no longer needed", "ordered by mistake"]},
    },
    "required": ["text"],
}


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("text", "a", "a"), ("text", 12345, "12345"), ("text", "", ""),
        ("count", 2, 2), ("count", "2", 2), ("count", " -3 ", -3), ("count", 2.0, 2),
        ("amount", 2, 2), ("amount", 2.5, 2.5), ("amount", "2.50", 2.5), ("amount", "-1", -1.0),
        ("flag", True, True), ("flag", "True", True), ("flag", "false", False),
        ("items", ["a", "b"], ["a", "b"]), ("items", [1], ["1"]), ("items", "a", ["a"]), ("items", '["a", "b"]', ["a", "b"]),
        ("items", [], []), ("items", "[a", ["[a"]),
        ("kind", "no longer needed", "no longer needed"), ("kind", " No Longer Needed ", "no longer needed"),
    ],
)  # fmt: skip
def test_what_is_taken(name, given, taken):
    checked = check_arguments({**SCHEMA, "required": []}, {name: given})
    assert checked == {name: taken}
    assert type(checked[name]) is type(taken)


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("text", True, "text must be a text"), ("text", ["a"], "text must be a text"), ("text", {"a": 1}, "a text"),
        ("text", 1.5, "text must be a text"),
        ("count", "two", "a whole number"), ("count", 2.5, "a whole number"), ("count", True, "a whole number"),
        ("count", "9" * 400, "a whole number"), ("count", [1], "a whole number"),
        ("amount", "1e5", "a number"), ("amount", "NaN", "a number"), ("amount", float("inf"), "a number"),
        ("amount", True, "a number"), ("amount", "1,50", "a number"), ("amount", "$5", "a number"),
        ("flag", 1, "true or false"), ("flag", "yes", "true or false"),
        ("items", [["a"]], "a list of texts"), ("items", {"a": 1}, "a list"), ("items", ["a"] * 101, "at most 100"),
        ("items", 5, "a list"), ("kind", "because", 'one of "no longer needed", "ordered by mistake"'), ("kind", 1, "one of"),
    ],
)  # fmt: skip
def test_what_is_refused(name, given, problem):
    with pytest.raises(ToolError, match=problem) as caught:
        check_arguments(SCHEMA, {"text": "a", name: given})
    assert "Nothing was done" in str(caught.value)
    assert caught.value.code == "invalid"


def test_every_problem_is_named_with_the_arguments_there_are():
    with pytest.raises(ToolError) as caught:
        check_arguments(SCHEMA, {"user": "me", "count": "x"})
    told = str(caught.value)
    for part in ("no argument 'user'", "text is missing", "count must be a whole number", "text, count, amount"):
        assert part in told


def test_null_means_left_out():
    assert check_arguments(SCHEMA, {"text": "a", "count": None}) == {"text": "a"}
    with pytest.raises(ToolError, match="text is missing"):
        check_arguments(SCHEMA, {"text": None})


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_no_arguments(text):
    assert parse_arguments(text) == {}


@pytest.mark.parametrize(
    "text", ["[1]", '"a"', "null", "{", "{'a': 1}", "[" * 9000, '{"a":' * 3000, "x" * 30_000, "\x00"]
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(ToolError):
        parse_arguments(text)


def test_texts_are_made_storable():
    assert parse_arguments('{"a\\u0000": ["b\\u0000", {"c": "\\ud800"}]}') == {"a": ["b", {"c": "?"}]}


def test_whatever_comes_is_taken_or_refused_and_never_raises_anything_else():
    draw = random.Random(5)

    def value(depth=0):
        choices = [None, True, 0, -1, 2.5, 1e308, "", "a", "2", "[1", "\x00", "🙂", "9" * 50]
        if depth < 3:
            choices += [[value(depth + 1)], {"a": value(depth + 1)}]
        return draw.choice(choices)

    taken = 0
    for _ in range(3000):
        names = draw.sample([*SCHEMA["properties"], "other", ""], draw.randint(0, 5))
        try:
            checked = check_arguments(SCHEMA, parse_arguments(json.dumps({name: value() for name in names})))
        except ToolError:
            continue
        taken += 1
        assert set(checked) <= set(SCHEMA["properties"])
        assert isinstance(checked["text"], str)
    assert taken
