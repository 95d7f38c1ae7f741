"""Freed memory, given back to the system: of what lies between blocks still in use, glibc keeps it all."""

import ctypes
import sys


def give_back() -> None:
    """Returns what making a snapshot has left behind, half as much again as the snapshots; nothing without glibc."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
