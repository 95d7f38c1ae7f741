"""Calls of tools put together from the pieces they are streamed in, by servers that repeat pieces or mix calls up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from agents.llm.base import ToolRequest

if TYPE_CHECKING:
    from agents.llm.base import ToolCallDelta

MAX_CALLS = 30
"""Further calls of one answer are left out altogether."""
MAX_NAME = 200


@dataclass(slots=True)
class Call:
    """One call so far. Its name and id count once, however often they are said."""

    index: int
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def arguments(self) -> str:
        """Return the arguments: the pieces joined, or where that is no JSON, without what was sent twice."""
        joined = "".join(self.pieces)
        if _is_object(joined):
            return joined
        once = "".join(piece for n, piece in enumerate(self.pieces) if n == 0 or piece != self.pieces[n - 1])
        readings = (once, *self.pieces[-1:], joined[: len(joined) // 2])
        return next((reading for reading in readings if _is_object(reading)), joined)


@dataclass(slots=True)
class Calls:
    """The calls of one answer, as their pieces come; `longest` characters of each are kept."""

    longest: int
    _calls: list[Call] = field(default_factory=list)
    _by_index: dict[int, Call] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether any tool was asked for."""
        return bool(self._calls)

    def add(self, piece: ToolCallDelta) -> None:
        """Add a piece to its call; what is more than can be made use of is dropped as it comes."""
        call = self._by_index.get(piece.index)
        if call is None or self._is_another(call, piece):
            if len(self._calls) >= MAX_CALLS:
                return
            call = self._by_index[piece.index] = Call(piece.index)
            self._calls.append(call)
        call.id = call.id or piece.id[:MAX_NAME]
        call.name = call.name or piece.name[:MAX_NAME]
        room = self.longest - call.size
        if piece.arguments and room > 0:
            call.pieces.append(piece.arguments[:room])
            call.size += len(call.pieces[-1])

    def clear(self) -> None:
        """Forget them: the answer starts over."""
        self._calls.clear()
        self._by_index.clear()

    def requests(self, number: int) -> list[ToolRequest]:
        """Return the calls in their order, each with an id; `number` tells answers apart."""
        return [
            ToolRequest(call.id or f"call_{number}_{n}", call.name, call.arguments())
            for n, call in enumerate(sorted(self._calls, key=lambda call: call.index))
        ]

    def _is_another(self, call: Call, piece: ToolCallDelta) -> bool:
        """Whether a server gives the same index to several calls."""
        return bool(piece.id and piece.name and call.id and piece.id != call.id and _is_object(call.arguments()))


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
