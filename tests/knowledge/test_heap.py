"""Freed memory goes back to the system, also from between blocks that are still in use."""

import sys
from pathlib import Path

import pytest

from knowledge.indexes import heap

BLOCK = 64 << 10  # bytes; larger ones get a mapping of their own


def own_memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can read its memory like this")
def test_what_was_freed_is_given_back():
    blocks = [bytearray(b"x" * BLOCK) for _ in range(1_600)]
    kept = blocks[::8]  # what is free lies between these
    del blocks
    before = own_memory()
    heap.give_back()
    assert before - own_memory() > 1_000 * BLOCK
    assert len(kept) == 200


def test_a_system_without_glibc_keeps_it(monkeypatch):
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda _: object())
    heap.give_back()
