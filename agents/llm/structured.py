"""Answers that are JSON of a given form: asked for, checked, and asked for once more where the first is wrong."""

from __future__ import annotations

import json
import re
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from agents.llm.base import LLMError, Message, TextDelta
from agents.llm.json_schema import problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.llm.base import Options, Provider

CHARACTERS_PER_TOKEN = 20
"""More than any token has: a server that writes more does not keep to the number of tokens it was given."""
MAX_PROBLEMS = 5
"""What a model is told of a wrong answer."""
TRIES = 2
REFUSED = frozenset({400, 404, 415, 422, 501})
"""Statuses of servers that know no `response_format`."""
THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
"""What some servers leave in front of the answers of models that think aloud."""
INSTRUCTION = "Answer with one JSON object alone, without any other text. It must fit this JSON schema:\n"
REPAIR = "That answer cannot be used: {problems}. Answer again, with the corrected JSON object alone."


async def complete_json(
    provider: Provider, messages: Sequence[Message], schema: Mapping[str, Any], options: Options
) -> dict[str, Any]:
    """Return the JSON object that a model answers with, which fits the schema.

    The schema goes along as `response_format`, and in words for servers that overlook it; a server that refuses it is
    asked in words alone.

    Raises:
        LLMError: the provider failed; or, with kind "schema", its answer was wrong twice, or endless.
    """
    asked = _instructed(messages, INSTRUCTION + json.dumps(schema, ensure_ascii=False))
    options = replace(options, schema=schema)
    problems = ""
    for _ in range(TRIES):
        try:
            answer = await _answer(provider, asked, options)
        except LLMError as error:
            if options.schema is None or error.status not in REFUSED:
                raise
            options = replace(options, schema=None)
            answer = await _answer(provider, asked, options)
        value, problems = read_object(answer, schema)
        if not problems:
            return value
        asked = [*asked, Message("assistant", answer or "{}"), Message("user", REPAIR.format(problems=problems))]
    raise LLMError(f"not the JSON that was asked for: {problems}", kind="schema", retryable=False)


def read_object(answer: str, schema: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the object that stands in an answer, and what is wrong with it; the second is empty where nothing is."""
    text = THOUGHTS.sub("", answer)
    text = text[text.find("{") : text.rfind("}") + 1]  # code fences, and words before or after
    try:
        value = json.loads(text)
    except ValueError as error:
        return {}, f"it is no JSON object ({error})"
    except RecursionError:
        return {}, "it is nested too deeply"
    problems = "; ".join(islice(problems_of(schema, value), MAX_PROBLEMS))
    return ({}, problems) if problems else (value, "")


def _instructed(messages: Sequence[Message], instruction: str) -> list[Message]:
    """The messages with an instruction at the end of the first, which is the system's: not every server takes two."""
    first, *rest = messages if messages[0].role == "system" else [Message("system", ""), *messages]
    return [replace(first, content=f"{first.content}\n\n{instruction}".strip()), *rest]


async def _answer(provider: Provider, messages: Sequence[Message], options: Options) -> str:
    answer, limit = "", options.max_tokens * CHARACTERS_PER_TOKEN
    async with aclosing(provider.stream(messages, (), options)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, TextDelta):
                answer += chunk.text
            if len(answer) > limit:
                raise LLMError(f"more than {limit} characters of JSON", kind="schema", retryable=False)
    return answer
