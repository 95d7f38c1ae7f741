"""A snapshot as a tree of plain values and a list of arrays, and back: whatever fields its classes have.

The tree names classes of this package alone and holds nothing that is called, so reading one runs no code of a file's.
"""

from __future__ import annotations

import mmap
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.indexes.whitening import Prior

try:
    import faiss
except ImportError:  # a platform without FAISS has no snapshots to keep
    faiss = None  # type: ignore[assignment]  # the absence of a module has no other name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PACKAGE = "knowledge.indexes."


class PackingError(ValueError):
    """A value cannot be packed, or a tree is not one of these classes as they are now."""


def pack(value: Any) -> tuple[Any, list[NDArray[Any]]]:
    """The value as a tree that JSON can hold, and its arrays; a `Prior` is left out, as every process has it."""
    arrays: list[NDArray[Any]] = []
    return _packed(value, arrays), arrays


def unpack(tree: Any, arrays: Sequence[NDArray[Any]], prior: Prior) -> Any:
    """What `pack` was given, over these arrays: plain ones are used as they are, FAISS copies its own."""
    match tree:
        case {"array": int(n)}:
            return arrays[n]
        case {"faiss": int(n)}:
            return faiss.deserialize_index(np.array(arrays[n]))
        case {"tuple": list(items)}:
            return tuple(unpack(item, arrays, prior) for item in items)
        case {"prior": True}:
            return prior
        case {"class": str(name), "state": dict(state)}:
            return _made(_class(name), {key: unpack(item, arrays, prior) for key, item in state.items()})
        case None | bool() | int() | float() | str():
            return tree
    raise PackingError(f"{tree!r} is not of a snapshot.")


def held_bytes(value: Any) -> int:
    """Bytes of memory that the value holds for itself; pages of a mapped file are the system's, which takes them back.

    What a `Prior` holds is shared by all tenants.
    """
    roots: dict[int, int] = {}
    for leaf in _leaves(value):
        root = _root(leaf)
        if not isinstance(root, mmap.mmap):
            roots[id(root)] = root.nbytes if isinstance(root, np.ndarray) else _faiss_bytes(root)
    return sum(roots.values())


def _packed(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, tuple):
        return {"tuple": [_packed(item, arrays) for item in value]}
    if isinstance(value, Prior):
        return {"prior": True}
    if _is_leaf(value):
        plain = isinstance(value, np.ndarray)
        arrays.append(value if plain else faiss.serialize_index(value))
        return {"array" if plain else "faiss": len(arrays) - 1}
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    if not name.startswith(PACKAGE):
        raise PackingError(f"{name} is not of a snapshot.")
    return {"class": name, "state": {key: _packed(item, arrays) for key, item in _state(value).items()}}


def _is_leaf(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (faiss is not None and isinstance(value, faiss.Index))


def _state(value: Any) -> dict[str, Any]:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return dict(vars(value))


def _class(name: str) -> type:
    module, _, attribute = name.partition(":")
    found = getattr(import_module(module), attribute, None) if module.startswith(PACKAGE) else None
    if not isinstance(found, type):
        raise PackingError(f"{name} is not of a snapshot.")
    return found


def _made(kind: type, state: dict[str, Any]) -> Any:
    if is_dataclass(kind) and {field.name for field in fields(kind)} != set(state):
        raise PackingError(f"{kind.__name__} has other fields now.")
    made: Any = object.__new__(kind)
    for name, item in state.items():
        object.__setattr__(made, name, item)  # as frozen classes set their own
    return made


def _leaves(value: Any) -> Iterator[Any]:
    if _is_leaf(value):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    elif type(value).__module__.startswith(PACKAGE) and not isinstance(value, Prior):
        for item in _state(value).values():
            yield from _leaves(item)


def _root(leaf: Any) -> Any:
    """What owns the memory of an array."""
    while True:
        below = leaf.obj if isinstance(leaf, memoryview) else getattr(leaf, "base", None)
        if not isinstance(below, (np.ndarray, memoryview, mmap.mmap)):
            return leaf
        leaf = below


def _faiss_bytes(index: Any) -> int:
    from knowledge.indexes.kinds import index_bytes  # it needs FAISS to be there, as an index of it does

    return index_bytes(index)
