"""Snapshots on disk: a process starts with them instead of reading every passage from the database.

One file a tenant, under the data folder: a magic number, the length and the hash of a manifest, the manifest, and the
arrays, each with its hash. A file that is not exactly what its manifest says, or is about another tenant, model,
language or release, is as good as none. Files are never changed, only replaced, so a process may go on reading the one
that it has mapped; processes that map the same file share its pages.

What a file reveals: no text, but 32-bit hashes of words and of four letters, by which anybody can test whether a
passage has a certain word, and vectors, from which the gist of a sentence can be guessed. So files are readable by
their owner alone and are deleted with their tenant.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import math
import mmap
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from knowledge.indexes.packing import PackingError, pack, unpack
from knowledge.indexes.whitening import prior_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from knowledge.indexes.snapshot import Snapshot

MAGIC = b"askwell\x01"
LENGTH, DIGEST = 8, hashlib.sha256().digest_size  # bytes of the manifest's length and of a hash
HEADER = len(MAGIC) + LENGTH + DIGEST
MAX_MANIFEST = 1 << 20  # bytes; it has some dozen arrays to tell of
ALIGNMENT = 64  # bytes; where an array may begin
SUFFIX, TEMPORARY, LOCK = ".snapshot", ".writing", "lock"

Octets = bytes | memoryview
log = logging.getLogger(__name__)


class UnfitError(Exception):
    """A file is damaged, or is not about what is asked for."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a snapshot must be of to be of use.

    Attributes:
        tenant: its id.
        model: the embedder that serves the tenant.
        dimensions: of its vectors.
        language: what the tenant is set to, by which texts are stemmed that do not tell theirs.
    """

    tenant: int
    model: str
    dimensions: int
    language: str


def snapshot_path(tenant_id: int) -> Path:
    """Where the tenant's snapshot is, if it has one."""
    return _folder() / f"{tenant_id}{SUFFIX}"


def stored_bytes(tenant_id: int) -> int:
    """How large the tenant's file is; 0 without one."""
    try:
        return snapshot_path(tenant_id).stat().st_size
    except OSError:
        return 0


def stored_version(tenant_id: int) -> int:
    """The knowledge version of the tenant's file, unchecked; 0 without one."""
    try:
        with snapshot_path(tenant_id).open("rb") as file:
            header = file.read(HEADER)
            length = int.from_bytes(header[len(MAGIC) : len(MAGIC) + LENGTH])
            manifest, _ = _manifest(header, file.read(min(length, MAX_MANIFEST)))
            return int(manifest["version"])
    except (OSError, UnfitError):
        return 0


def save(purpose: Purpose, snapshot: Snapshot) -> bool:
    """Writes a snapshot in place of the one before; False, with a line in the log, where that cannot be.

    Another process that is writing at the time is left to it: also False, without a line.
    """
    path = snapshot_path(purpose.tenant)
    try:
        with _writing_alone(path.parent) as alone:
            if alone:
                _write(path, purpose, snapshot)
    except OSError as error:
        log.warning("The passages of tenant %s could not be kept on disk: %s", purpose.tenant, error)
        return False
    return alone


def load(purpose: Purpose) -> Snapshot | None:
    """The tenant's stored snapshot, its arrays mapped; None without one that is whole and fits. Others are deleted."""
    try:
        return _read(snapshot_path(purpose.tenant), purpose)
    except FileNotFoundError:
        return None
    except (OSError, UnfitError, PackingError) as error:
        log.warning("The stored passages of tenant %s are not used: %s", purpose.tenant, error)
        delete(purpose.tenant)
        return None


def delete(tenant_id: int) -> None:
    """Deletes the tenant's file, if there is one."""
    with contextlib.suppress(OSError):
        snapshot_path(tenant_id).unlink(missing_ok=True)


def sweep(tenants: Container[int]) -> None:
    """Deletes the files of all but these tenants: one may have been deleted while this machine was away."""
    with contextlib.suppress(OSError):
        for path in _folder().glob(f"*{SUFFIX}"):
            if not path.stem.isdecimal() or int(path.stem) not in tenants:
                path.unlink(missing_ok=True)


def _folder() -> Path:
    return settings.DATA_DIR / "snapshots"


@contextlib.contextmanager
def _writing_alone(folder: Path) -> Iterator[bool]:
    """Whether this is the one that may write; what a killed writer left is removed then. The kernel frees the lock."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        for left in folder.glob(f"*{TEMPORARY}"):
            left.unlink(missing_ok=True)
        yield True


def _write(path: Path, purpose: Purpose, snapshot: Snapshot) -> None:
    tree, arrays = pack(snapshot)
    arrays = [np.ascontiguousarray(array) for array in arrays]
    manifest = {
        **asdict(purpose),
        "format": FORMAT,
        "version": snapshot.version,
        "count": len(snapshot),
        "parts": [_part(array) for array in arrays],
        "tree": tree,
    }
    temporary = path.with_suffix(TEMPORARY)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(_encoded(manifest, arrays))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a rename last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _part(array: NDArray[Any]) -> dict[str, Any]:
    digest = _digest(_octets(array), _padding(array.nbytes))
    return {"dtype": array.dtype.str, "shape": array.shape, "sha256": digest}


def _encoded(manifest: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> Iterator[Octets]:
    text = json.dumps(manifest).encode()
    text += b" " * len(_padding(HEADER + len(text)))  # so that the first array begins where it may
    yield MAGIC + len(text).to_bytes(LENGTH) + hashlib.sha256(text).digest()
    yield text
    for array in arrays:
        yield _octets(array)
        yield _padding(array.nbytes)


def _read(path: Path, purpose: Purpose) -> Snapshot:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < HEADER:
            raise UnfitError("it is cut off")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    manifest, begin = _manifest(content[:HEADER], content[HEADER:])
    wanted = {**asdict(purpose), "format": FORMAT}
    differing = [name for name, value in wanted.items() if manifest.get(name) != value]
    if differing:
        raise UnfitError(f"of another {', '.join(differing)}")
    arrays = list(_arrays(content[begin:], manifest["parts"]))
    snapshot: Snapshot = unpack(manifest["tree"], arrays, prior_of(purpose.model, purpose.dimensions))
    if (snapshot.version, len(snapshot)) != (manifest["version"], manifest["count"]):
        raise UnfitError("its passages are not those of its manifest")
    return snapshot


def _manifest(header: Octets, rest: Octets) -> tuple[dict[str, Any], int]:
    """The manifest, and where it ends in the file."""
    header = bytes(header)
    length = int.from_bytes(header[len(MAGIC) : len(MAGIC) + LENGTH])
    text = bytes(memoryview(rest)[:length])
    if not header.startswith(MAGIC) or hashlib.sha256(text).digest() != header[-DIGEST:]:
        raise UnfitError("its manifest is damaged")
    manifest: dict[str, Any] = json.loads(text)
    return manifest, HEADER + length


def _arrays(content: memoryview, parts: Sequence[dict[str, Any]]) -> Iterator[NDArray[Any]]:
    """The arrays, checked one by one; what follows the last is damage, too."""
    begin = 0
    for part in parts:
        dtype, count = np.dtype(part["dtype"]), math.prod(part["shape"])
        end = begin + count * dtype.itemsize
        padded = end + len(_padding(end - begin))
        if padded > len(content) or _digest(content[begin:padded]) != part["sha256"]:
            raise UnfitError("an array is damaged")
        yield np.frombuffer(content[begin:end], dtype).reshape(part["shape"])
        begin = padded
    if begin != len(content):
        raise UnfitError("it is longer than its manifest says")


def _octets(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _padding(length: int) -> bytes:
    return bytes(-length % ALIGNMENT)


def _digest(*parts: Octets) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _release() -> str:
    sources = sorted(path for path in Path(__file__).parent.iterdir() if path.is_file())
    return _digest(*(source.read_bytes() for source in sources))


#: The way in which this release makes snapshots, by the hash of the files that do: a number would be forgotten once.
FORMAT = _release()
