"""Snapshots on disk: what is read back is what was written, or nothing."""

import errno
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.indexes import faiss, storage
from knowledge.indexes.packing import PackingError, held_bytes, pack, unpack
from knowledge.indexes.snapshot import Row, Snapshot
from knowledge.indexes.storage import Purpose
from knowledge.indexes.whitening import prior_of

pytestmark = pytest.mark.unit
DIMENSIONS = 8
PURPOSE = Purpose(7, "fake", DIMENSIONS, "en")
WORDS = ["battery", "returns", "parcel", "warranty", "invoice", "island", "lantern"]


def snapshot(rows: int = 40, version: int = 3, seed: int = 1) -> Snapshot:
    chance = np.random.default_rng(seed)
    made = [
        Row(
            chunk=100 + n,
            document=n // 3,
            text=" ".join(chance.choice(WORDS, 6)) + f" {n}",
            fingerprint=n,
            paragraph=chance.standard_normal(DIMENSIONS).astype(np.float32),
            sentences=chance.integers(-9000, 9000, (2, DIMENSIONS)).astype(np.int16),
            token_ids=chance.integers(0, 500, 5).astype(np.int32),
        )
        for n in range(rows)
    ]
    prior = prior_of("fake", DIMENSIONS)
    empty = Snapshot.empty("en", prior, faiss.FaissIndex(DIMENSIONS), model="fake")
    return replace(empty.grown(made).without([2]), version=version)


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "snapshots"


@pytest.fixture
def stored(folder) -> Path:
    assert storage.save(PURPOSE, snapshot())
    return storage.snapshot_path(PURPOSE.tenant)


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether both rank alike, byte for byte."""
    (tree, arrays), (tree_too, arrays_too) = pack(one), pack(other)
    return tree == tree_too and all(np.array_equal(a, b) for a, b in zip(arrays, arrays_too, strict=True))


def test_what_is_read_back_is_what_was_written(stored):
    found = storage.load(PURPOSE)

    assert same(found, snapshot())
    query = np.ones(DIMENSIONS, np.float32)
    assert found.paragraphs.search(query, 5)[0].tolist() == snapshot().paragraphs.search(query, 5)[0].tolist()
    assert (
        found.lexical.scores("battery 7").combined.tolist() == snapshot().lexical.scores("battery 7").combined.tolist()
    )
    assert storage.stored_version(PURPOSE.tenant) == 3


def test_what_was_read_back_can_change(stored):
    more = snapshot(60)
    grown = storage.load(PURPOSE).without([5])

    assert len(grown) == len(snapshot()) - 3
    assert len(storage.load(PURPOSE)) == len(snapshot()) < len(more)


def test_mapped_pages_are_not_the_processs_own(stored):
    assert held_bytes(storage.load(PURPOSE)) < held_bytes(snapshot()) / 4


def test_only_the_owner_can_read_it(stored, folder):
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_damage_at_every_hundredth_of_its_length_is_noticed(stored):
    whole = stored.read_bytes()
    for percent in range(100):
        at = len(whole) * percent // 100
        stored.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert storage.load(PURPOSE) is None, f"damage at {percent} %"
        stored.write_bytes(whole[:at])
        assert storage.load(PURPOSE) is None, f"cut off at {percent} %"
    stored.write_bytes(whole + b"\0")
    assert storage.load(PURPOSE) is None
    stored.write_bytes(whole)
    assert same(storage.load(PURPOSE), snapshot())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_noticed(stored, data):
    whole = stored.read_bytes()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin, min(begin + 200, len(whole))))
    damaged = whole[:begin] + data.draw(st.binary(max_size=200)) + whole[end:]
    stored.write_bytes(damaged)
    found = storage.load(PURPOSE)
    stored.write_bytes(whole)

    assert (found is None) == (damaged != whole)


@pytest.mark.parametrize(
    "other",
    [
        replace(PURPOSE, tenant=8),
        replace(PURPOSE, model="another"),
        replace(PURPOSE, dimensions=9),
        replace(PURPOSE, language="de"),
    ],
)
def test_what_was_made_for_something_else_is_not_used(stored, other, caplog):
    stored.replace(storage.snapshot_path(other.tenant))  # such as the file of another tenant

    assert storage.load(other) is None
    assert "not used: of another" in caplog.text


def test_what_another_release_made_is_not_used(stored, monkeypatch):
    monkeypatch.setattr(storage, "FORMAT", "the one before")

    assert storage.load(PURPOSE) is None


def test_classes_with_other_fields_are_not_made():
    tree, arrays = pack(snapshot())
    del tree["state"]["live"]

    with pytest.raises(PackingError, match="other fields"):
        unpack(tree, arrays, prior_of("fake", DIMENSIONS))


@pytest.mark.parametrize("name", ["os:system", "knowledge.indexes.storage:delete", "knowledge.indexes.storage:nothing"])
def test_nothing_but_our_own_classes_is_made(name):
    with pytest.raises(PackingError):
        unpack({"class": name, "state": {}}, [], prior_of("fake", DIMENSIONS))


def test_what_is_no_part_of_a_snapshot_is_not_packed():
    with pytest.raises(PackingError, match="not of a snapshot"):
        pack((Path(),))


def test_without_a_file_there_is_none(folder):
    assert storage.load(PURPOSE) is None
    assert storage.stored_version(PURPOSE.tenant) == 0


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_locked_disk_is_logged_and_life_goes_on(folder, monkeypatch, caplog, error):
    def fail(_descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    assert storage.save(PURPOSE, snapshot(version=2))
    monkeypatch.setattr(os, "fsync", fail)

    assert not storage.save(PURPOSE, snapshot())
    assert "could not be kept on disk" in caplog.text
    assert storage.stored_version(PURPOSE.tenant) == 2, "the one before stays"
    assert sorted(path.name for path in folder.iterdir()) == ["7.snapshot", "lock"]


def test_a_folder_that_cannot_be_made_is_logged(settings, tmp_path, caplog):
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()

    assert not storage.save(PURPOSE, snapshot())
    assert storage.load(PURPOSE) is None
    assert "could not be kept on disk" in caplog.text


def test_only_one_process_writes_at_a_time(folder):
    with storage._writing_alone(folder) as alone:
        assert alone
        assert not storage.save(PURPOSE, snapshot())
    assert storage.save(PURPOSE, snapshot())


def test_a_writer_that_is_killed_leaves_nothing_that_is_used(folder):
    """The next one clears up behind it."""
    assert storage.save(PURPOSE, snapshot(version=2))
    killed = f"""
import fcntl, os, pathlib, time
folder = pathlib.Path({str(folder)!r})
lock = (folder / "lock").open("r+")
fcntl.flock(lock, fcntl.LOCK_EX)
(folder / "7.writing").write_bytes(b"half of a snapshot")
print("writing", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", killed], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert not storage.save(PURPOSE, snapshot()), "while it writes"
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert storage.load(PURPOSE).version == 2
    assert storage.save(PURPOSE, snapshot())
    assert storage.load(PURPOSE).version == 3
    assert not list(folder.glob("*.writing"))


def test_files_of_tenants_that_are_gone_go(stored, folder):
    storage.save(replace(PURPOSE, tenant=8), snapshot())
    storage.sweep({8})

    assert sorted(path.name for path in folder.glob("*.snapshot")) == ["8.snapshot"]
    storage.delete(8)
    storage.delete(8)
    assert not list(folder.glob("*.snapshot"))
