"""What fits a schema, and what a model is told of what does not."""

import pytest

from agents.llm.json_schema import is_closed, problems_of

pytestmark = pytest.mark.unit
SCHEMA = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["yes", "no"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "count": {"type": "integer"},
        "note": {"type": ["string", "null"], "maxLength": 5},
        "parts": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        },
    },
    "required": ["verdict"],
    "additionalProperties": False,
}


def problems(**values):
    return list(problems_of(SCHEMA, {"verdict": "yes", **values}))


def test_what_fits_has_no_problems():
    assert problems(score=0.5, count=3, note=None, parts=[{"text": "a", "more": 1}]) == []
    assert problems(score=1) == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"verdict": "perhaps"}, "the answer.verdict must be one of 'yes', 'no', not 'perhaps'"),
        ({"verdict": 1}, "the answer.verdict must be of type string, not 1"),
        ({"score": 1.5}, "the answer.score must be at most 1"),
        ({"score": -1}, "the answer.score must be at least 0"),
        ({"score": float("nan")}, "the answer.score must be of type number, not nan"),
        ({"score": True}, "the answer.score must be of type number, not True"),
        ({"count": 1.5}, "the answer.count must be of type integer, not 1.5"),
        ({"note": "too long"}, "the answer.note must have at most 5 characters"),
        ({"note": 1}, "the answer.note must be of type string or null, not 1"),
        ({"parts": []}, "the answer.parts must have at least 1 items"),
        ({"parts": [{"text": "a"}, {}]}, "the answer.parts[1] lacks 'text'"),
        ({"parts": [{"text": "a"}] * 3}, "the answer.parts must have at most 2 items"),
        ({"more": 1}, "the answer must not have 'more'"),
    ],
)
def test_what_does_not_fit_is_told(values, problem):
    assert problems(**values) == [problem]


def test_what_is_missing_or_no_object_is_told():
    assert list(problems_of(SCHEMA, {})) == ["the answer lacks 'verdict'"]
    assert list(problems_of(SCHEMA, ["yes"])) == ["the answer must be of type object, not ['yes']"]


def test_a_schema_that_could_not_be_kept_is_refused():
    with pytest.raises(ValueError, match="oneOf"):
        list(problems_of({"oneOf": []}, 1))


def test_closed_schemas_are_those_that_strict_servers_take():
    assert not is_closed(SCHEMA)
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert is_closed(closed)
    assert is_closed({"type": "array", "items": closed})
    assert not is_closed({**closed, "properties": {"a": {"type": "object", "properties": {}}}})
