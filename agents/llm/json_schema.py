"""Checks a JSON value against a schema: the part of JSON Schema that our questions to models use, and strictly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any]

KNOWN = {
    "type", "enum", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minimum",
    "maximum", "minLength", "maxLength", "description", "title",
}  # fmt: skip
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
SHOWN = 80
"""Characters of a wrong value that are repeated."""


def problems_of(schema: Schema, value: Any, place: str = "the answer") -> Iterator[str]:
    """Yield what is wrong with a value, in words for the model that wrote it; nothing when it fits.

    Raises:
        ValueError: the schema uses what this does not know, so that nothing could be promised.
    """
    if unknown := schema.keys() - KNOWN:
        raise ValueError(f"no way to check {', '.join(sorted(unknown))}")
    kinds = _kinds(schema)
    if kinds and not any(_is(kind, value) for kind in kinds):
        yield f"{place} must be of type {' or '.join(kinds)}, not {_shown(value)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} must be one of {', '.join(map(repr, schema['enum']))}, not {_shown(value)}"
    yield from _limits(schema, value, place)
    if isinstance(value, dict):
        yield from _members(schema, value, place)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from problems_of(schema["items"], item, f"{place}[{number}]")


def is_closed(schema: Schema) -> bool:
    """Return whether every object requires all of its members and takes no others, as OpenAI's strict mode asks."""
    parts = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    if "object" in _kinds(schema):
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(schema.get("properties", {})):
            return False
    return all(map(is_closed, parts))


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _is(kind: str, value: Any) -> bool:
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    if isinstance(value, float) and not math.isfinite(value):
        return False  # Python reads NaN and Infinity, which JSON does not have
    return isinstance(value, TYPES[kind])


def _limits(schema: Schema, value: Any, place: str) -> Iterator[str]:
    if any(_is(kind, value) for kind in ("integer", "number")):
        if value < schema.get("minimum", value):
            yield f"{place} must be at least {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{place} must be at most {schema['maximum']}"
    for kind, what in (("array", "Items"), ("string", "Length")):
        if _is(kind, value):
            unit = "characters" if kind == "string" else "items"
            if len(value) < schema.get(f"min{what}", 0):
                yield f"{place} must have at least {schema[f'min{what}']} {unit}"
            if len(value) > schema.get(f"max{what}", len(value)):
                yield f"{place} must have at most {schema[f'max{what}']} {unit}"


def _members(schema: Schema, value: dict[str, Any], place: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{place} lacks {name!r}" for name in schema.get("required", ()) if name not in value)
    for name, member in value.items():
        if name in properties:
            yield from problems_of(properties[name], member, f"{place}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{place} must not have {name[:SHOWN]!r}"


def _shown(value: Any) -> str:
    return repr(value)[:SHOWN]
