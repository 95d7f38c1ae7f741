"""Compound files ([MS-CFB]), the container of Outlook's messages: just enough to take their top streams out."""

import struct

from knowledge.readers.base import ReadError

_HEADER_BYTES = 512
_END = 0xFFFFFFFA  # from here on sector numbers are marks, not sectors
_ENTRY_BYTES = 128
_STREAM, _ROOT = 2, 5
_NOBODY = 0xFFFFFFFF
_MAX_ENTRIES = 100_000


class Compound:
    """A compound file held in memory.

    Args:
        data: the whole file.

    Raises:
        ReadError: its tables are damaged.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._data = data
            self._size = 1 << struct.unpack_from("<H", data, 30)[0]
            self._small_size = 1 << struct.unpack_from("<H", data, 32)[0]
            (tables, directory, _, self._cutoff, small_start, _, more, more_count) = struct.unpack_from(
                "<I I I I I I I I", data, 44
            )
            self._next = self._allocation(tables, more, more_count)
            entries = self._chain(directory)
            self._entries = [entries[start : start + _ENTRY_BYTES] for start in range(0, len(entries), _ENTRY_BYTES)][
                :_MAX_ENTRIES
            ]
            small = self._chain(small_start) if small_start < _END else b""
            self._small_next = struct.unpack(f"<{len(small) // 4}I", small[: len(small) // 4 * 4])
            root = self._entries[0]
            self._small = self._chain(struct.unpack_from("<I", root, 116)[0])
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise _broken() from error

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        return self._data[start : start + self._size]

    def _allocation(self, count: int, more: int, more_count: int) -> tuple[int, ...]:
        """Read the allocation table, whose sectors are listed in the header and, past 109, in a chain."""
        sectors = list(struct.unpack_from("<109I", self._data, 76))
        for _ in range(min(more_count, len(self._data) // self._size)):
            if more >= _END:
                break
            values = struct.unpack(f"<{self._size // 4}I", self._sector(more))
            sectors.extend(values[:-1])
            more = values[-1]
        table = b"".join(self._sector(number) for number in sectors[: count or None] if number < _END)
        return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])

    def _chain(self, number: int) -> bytes:
        parts: list[bytes] = []
        while number < len(self._next) and len(parts) <= len(self._next):
            parts.append(self._sector(number))
            number = self._next[number]
        return b"".join(parts)

    def _small_chain(self, number: int) -> bytes:
        parts: list[bytes] = []
        while number < len(self._small_next) and len(parts) <= len(self._small_next):
            parts.append(self._small[number * self._small_size : (number + 1) * self._small_size])
            number = self._small_next[number]
        return b"".join(parts)

    def streams(self) -> dict[str, bytes]:
        """Return the streams of the root storage by name (those of attachments and recipients are left out)."""
        found: dict[str, bytes] = {}
        try:
            waiting, seen = [struct.unpack_from("<I", self._entries[0], 76)[0]], set[int]()
            while waiting:
                number = waiting.pop()
                if number == _NOBODY or number in seen or number >= len(self._entries):
                    continue
                seen.add(number)
                entry = self._entries[number]
                waiting.extend(struct.unpack_from("<II", entry, 68))
                if entry[66] == _STREAM:
                    found[_name(entry)] = self._content(entry)
        except (struct.error, IndexError) as error:
            raise _broken() from error
        return found

    def _content(self, entry: bytes) -> bytes:
        start, size = struct.unpack_from("<II", entry, 116)
        data = self._small_chain(start) if size < self._cutoff else self._chain(start)
        return data[:size]


def _name(entry: bytes) -> str:
    length = min(struct.unpack_from("<H", entry, 64)[0], 64)
    return entry[: max(0, length - 2)].decode("utf-16-le", "replace")


def _broken() -> ReadError:
    return ReadError(
        "broken", "This file is damaged and can't be read. Save it again in the program that made it and retry."
    )
