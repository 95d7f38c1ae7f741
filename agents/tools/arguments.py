"""What a model wrote as arguments, checked strictly against the schema of the tool, before anything runs.

Slips that can mean one thing only are put right: "2" for a number, one text for a list of texts, "True" for true.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.tools.base import ToolError
from agents.tools.results import without_controls

MAX_ARGUMENTS = 20_000  # characters of JSON
MAX_LIST = 100
INTEGER = re.compile(r"[+-]?\d{1,15}")
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
BOOLEANS = {"true": True, "false": False}


def parse_arguments(text: str) -> dict[str, Any]:
    """Return the JSON object a model wrote; no text at all is an object without members.

    Raises:
        ToolError: it is no JSON object, or a monstrous one.
    """
    if len(text) > MAX_ARGUMENTS:
        raise ToolError(f"The arguments are longer than {MAX_ARGUMENTS} characters. Nothing was done.")
    try:
        value = _storable(json.loads(text)) if text.strip() else {}
    except (ValueError, RecursionError):
        raise ToolError("The arguments are not valid JSON. Nothing was done; write a JSON object.") from None
    if not isinstance(value, dict):
        raise ToolError("The arguments must be a JSON object of names and values. Nothing was done.")
    return value


def check_arguments(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the schema has them; optional ones that are null are left out.

    Raises:
        ToolError: naming every argument that is unknown, missing or of the wrong type.
    """
    properties: Mapping[str, Any] = schema["properties"]
    given = {name: value for name, value in given.items() if value is not None or name not in properties}
    problems = [f"there is no argument {name!r}"[:100] for name in given if name not in properties]
    problems += [f"{name} is missing" for name in schema["required"] if name not in given]
    checked = {}
    for name, value in given.items():
        if name not in properties:
            continue
        try:
            checked[name] = _checked(properties[name], value)
        except ValueError as error:
            problems.append(f"{name} must be {error}")
    if problems:
        names = ", ".join(properties) or "none"
        raise ToolError(f"Nothing was done: {'; '.join(problems[:10])}. The arguments are: {names}.")
    return checked


def _checked(schema: Mapping[str, Any], value: Any) -> Any:
    """Return the value as the schema has it; ValueError says what it must be."""
    if "enum" in schema:
        return _choice(schema["enum"], value)
    checks: dict[str, Callable[[Any], Any]] = {
        "string": _text,
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "array": _texts,
    }
    return checks[schema["type"]](value)


def _choice(choices: list[str], value: Any) -> str:
    if isinstance(value, str):
        for choice in choices:
            if value.strip().casefold() == choice.casefold():
                return choice
    raise ValueError("one of " + ", ".join(json.dumps(choice) for choice in choices))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # an id or a postcode
    raise ValueError("a text")


def _integer(value: Any) -> int:
    if isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number")


def _number(value: Any) -> int | float:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise ValueError("a number")


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        value = BOOLEANS.get(value.strip().lower())
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list) or len(value) > MAX_LIST:
        raise ValueError(f"a list of at most {MAX_LIST} texts")
    try:
        return [_text(part) for part in value]
    except ValueError:
        raise ValueError("a list of texts") from None


def _listed(text: str) -> Any:
    """Return the list that a model wrote into a text, or a list of that one text."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return [text]


def _storable(value: Any) -> Any:
    """Return the JSON value with texts that the database can keep."""
    if isinstance(value, str):
        return without_controls(value)
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(part) for name, part in value.items()}
    return value
