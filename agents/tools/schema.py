"""JSON schemas of tools, from the signature and the docstring of a function."""

import inspect
import re
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

TYPES: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    Decimal: {"type": "number"},
    list[str]: {"type": "array", "items": {"type": "string"}},
}
ARGUMENT = re.compile(r"(\w+): (.+)")


def describe(function: Callable[..., Any]) -> str:
    """Return what the docstring says before "Args:", on one line; TypeError when there is nothing."""
    text = " ".join((inspect.getdoc(function) or "").partition("\nArgs:\n")[0].split())
    if not text:
        raise TypeError(f"{function.__name__} needs a docstring: language models read it")
    return text


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the JSON schema of a function's arguments after the first, which is the context.

    Raises:
        TypeError: an argument has a type that no schema is known for, or is not described under "Args:".
    """
    described = _described_arguments(function)
    properties: dict[str, Any] = {}
    required = []
    for parameter in arguments_of(function):
        if parameter.name not in described:
            raise TypeError(f"{function.__name__} does not describe {parameter.name}")
        kind = _type_schema(parameter.annotation)
        properties[parameter.name] = {**kind, "description": described[parameter.name]}
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def arguments_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return what a model fills: everything after the context."""
    return list(inspect.signature(function, eval_str=True).parameters.values())[1:]


def decimals_of(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the arguments that are decimals, which JSON does not have."""
    return frozenset(
        p.name for p in arguments_of(function) if Decimal in (p.annotation, *typing.get_args(p.annotation))
    )


def _type_schema(annotation: Any) -> dict[str, Any]:
    if typing.get_origin(annotation) is Literal:
        return {"type": "string", "enum": list(typing.get_args(annotation))}
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        (annotation,) = (part for part in typing.get_args(annotation) if part is not types.NoneType)
        return _type_schema(annotation)
    if annotation not in TYPES:
        raise TypeError(f"No JSON schema is known for {annotation}")
    return dict(TYPES[annotation])


def _described_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the "Args:" section says of each argument, a continued line joined to the one before."""
    section = (inspect.getdoc(function) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
    described: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(section).splitlines():
        match = ARGUMENT.fullmatch(line)
        if match:
            name = match[1]
            described[name] = match[2]
        elif name:
            described[name] += f" {line.strip()}"
    return described
