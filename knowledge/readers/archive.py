"""Zip containers (Office files, EPUB) and the XML in them, opened so that a hostile file costs little."""

import io
import zipfile
import zlib
from posixpath import normpath

from lxml import etree

from knowledge.readers.base import ReadError

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 500_000_000
MAX_MEMBER_BYTES = 200_000_000
# Deflate reaches about 1000:1 on zeros; repetitive but honest spreadsheet XML stays below 100:1.
MAX_RATIO = 200
# Below this size a high ratio is harmless (an empty sheet of spaces, say).
RATIO_MATTERS_ABOVE_BYTES = 20_000_000

_ENTITY_MARKS = tuple("<!ENTITY".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))


class Archive:
    """A zip file whose declared sizes are within bounds; `zipfile` never unpacks more than what is declared."""

    def __init__(self, data: bytes) -> None:
        """Open the container.

        Raises:
            ReadError: it is damaged, encrypted, or would unpack to an unreasonable size.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise _broken() from error
        self._members = {normpath(info.filename.replace("\\", "/")).lstrip("/"): info for info in self._zip.infolist()}
        self._lower = {name.lower(): name for name in self._members}
        self._refuse_bomb(len(data))

    def _refuse_bomb(self, packed: int) -> None:
        sizes = [info.file_size for info in self._zip.infolist()]
        unpacked = sum(sizes)
        swollen = unpacked > RATIO_MATTERS_ABOVE_BYTES and unpacked > MAX_RATIO * packed
        if len(sizes) > MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES or swollen:
            message = "This file unpacks to far more data than a document holds, so it was not opened."
            raise ReadError("bomb", message)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._lower

    def names(self) -> list[str]:
        """Return the names of all members, in the order of the container."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return one member's bytes; its name is matched without regard to case.

        Raises:
            ReadError: it is missing, damaged, encrypted or too large.
        """
        name = normpath(name.replace("\\", "/")).lstrip("/").lower()
        if name not in self._lower:
            raise _broken()
        info = self._members[self._lower[name]]
        if info.flag_bits & 1:
            raise ReadError("password", "This file is protected by a password. Remove the password and add it again.")
        if info.file_size > MAX_MEMBER_BYTES:
            raise ReadError(
                "too-large", "This file holds too much data to be read at once. Split it into smaller files."
            )
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            raise _broken() from error

    def xml(self, name: str) -> etree._Element:
        """Return the root of one XML member."""
        return parse_xml(self.read(name))


def parse_xml(data: bytes) -> etree._Element:
    """Parse XML without entities, DTDs or network; small damage is repaired.

    Raises:
        ReadError: it declares entities or is no XML.
    """
    if any(mark in data for mark in _ENTITY_MARKS):
        raise ReadError(
            "bomb", "This file defines XML entities, which documents have no use for, so it was not opened."
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    if root is None:
        raise _broken()
    return root


def _broken() -> ReadError:
    message = "This file is damaged and can't be opened. Open it in the program that made it, save it again and retry."
    return ReadError("broken", message)
