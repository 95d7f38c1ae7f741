"""Rows of a table that is kept in parts, so that adding some does not copy all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def taken(parts: Sequence[NDArray[Any]], places: NDArray[np.int64]) -> NDArray[Any]:
    """The rows at `places` of parts [n, d] (at least one) that follow each other, in the order asked for, [p, d]."""
    if len(parts) == 1:
        return parts[0][places]
    rows = np.empty((len(places), *parts[0].shape[1:]), parts[0].dtype)
    bounds = np.cumsum([0, *(len(part) for part in parts)])
    owners = np.searchsorted(bounds, places, side="right") - 1
    for owner in np.unique(owners).tolist():
        here = owners == owner
        rows[here] = parts[owner][places[here] - bounds[owner]]
    return rows
