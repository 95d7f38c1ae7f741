# ruff: noqa: E501 - whole documents stand in one line; signs of many languages are meant

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.readers import sandbox
from knowledge.readers.base import ReadError
from knowledge.readers.sandbox import DEFAULT_LIMITS, read_in_sandbox

pytestmark = pytest.mark.unit


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "upload.bin"
    path.write_bytes("# Guide\n\nGrüße 😀".encode())
    return path


def child_doing(monkeypatch, code: str) -> None:
    """Let the child run other code than the reader, to see what the parent makes of it."""
    monkeypatch.setattr(sandbox, "_ENTRY", code)


def refused(path, **limits) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_in_sandbox(path, "a.md", limits=replace(DEFAULT_LIMITS, **limits))
    return caught.value


def test_document_comes_back_whole(source):
    document = read_in_sandbox(source, "guide.md")
    assert (document.title, document.markdown) == ("Guide", "# Guide\n\nGrüße 😀")
    assert document.metadata == {"format": "markdown"}
    assert document.pages == ()


def test_errors_of_readers_come_back(source):
    source.write_bytes(b"\x89PNG" + bytes(range(256)) * 20)
    assert refused(source).code == "unsupported"


@pytest.mark.parametrize("filename", ["--help", "a\x00b.md", "\udcff.md", "x" * 5000, "'; import os"])
def test_odd_file_names(source, filename):
    assert read_in_sandbox(source, filename).markdown


def test_missing_file(tmp_path):
    assert refused(tmp_path / "gone").code == "unreadable"


def test_file_too_large(source):
    error = refused(source, input_bytes=5)
    assert error.code == "too-large"


def test_time_limit(source, monkeypatch):
    child_doing(monkeypatch, "import time; time.sleep(60)")
    started = time.monotonic()
    assert refused(source, wall_seconds=0.5).code == "timeout"
    assert time.monotonic() - started < 5


def test_processor_limit(source, monkeypatch):
    child_doing(
        monkeypatch,
        "import json, sys; sys.path.insert(0, sys.argv[1]); from knowledge.readers import child\n"
        "child._limit(json.loads(sys.argv[2]))\nwhile True: pass",
    )
    assert refused(source, cpu_seconds=1).code == "timeout"


def test_memory_limit(source):
    source.write_bytes(b"word " * 4_000_000)
    assert refused(source, memory_bytes=60_000_000).code in {"memory", "crashed"}


def test_crash(source, monkeypatch):
    child_doing(monkeypatch, "import os; os.abort()")
    assert refused(source).code == "crashed"


@pytest.mark.parametrize("answer", ["", "no json", "{}", '{"title": 1}', "[1, 2]", "null"])
def test_nonsense_from_the_child(source, monkeypatch, answer):
    child_doing(monkeypatch, f"print({answer!r}, end='')")
    assert refused(source).code == "crashed"


def test_flood_from_the_child(source, monkeypatch):
    child_doing(monkeypatch, "while True: print('x' * 100000)")
    assert refused(source, output_bytes=1_000_000).code == "crashed"


def test_what_the_child_started_ends_with_it(source, monkeypatch, tmp_path):
    child_doing(
        monkeypatch,
        "import os, subprocess, sys, time\n"
        f"process = subprocess.Popen(['sleep', '60']); open({str(tmp_path / 'pid')!r}, 'w').write(str(process.pid)); time.sleep(60)",
    )
    assert refused(source, wall_seconds=1.0).code == "timeout"
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _is_running(pid):
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_no_secret_reaches_the_child(source, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere/evil")
    child_doing(
        monkeypatch,
        "import json, os; print(json.dumps({'title': 't', 'markdown': json.dumps(dict(os.environ)), 'pages': [], 'language': '', 'metadata': {}}))",
    )
    environment = json.loads(read_in_sandbox(source, "a.md").markdown)
    assert set(environment) <= {"LANG", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH", "PWD", "SHLVL"}


def test_the_child_cannot_write_files(source, monkeypatch, tmp_path):
    target = tmp_path / "written"
    child_doing(
        monkeypatch,
        "import json, sys; sys.path.insert(0, sys.argv[1]); from knowledge.readers import child\n"
        f"child._limit(json.loads(sys.argv[2]))\nopen({str(target)!r}, 'w').write('x' * 10)",
    )
    assert refused(source).code == "crashed"
    assert not target.exists() or target.stat().st_size == 0


def test_the_child_imports_no_django(source, monkeypatch):
    child_doing(
        monkeypatch,
        sandbox._ENTRY.replace(
            "main(sys.argv[2])",
            "import json; import knowledge.readers.text; print(json.dumps({'title': 't', 'markdown': str('django' in sys.modules), 'pages': [], 'language': '', 'metadata': {}}))",
        ),
    )
    assert read_in_sandbox(source, "a.md").markdown == "False"


def test_no_descriptor_of_the_parent_is_inherited(source, monkeypatch, tmp_path):
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        child_doing(
            monkeypatch,
            "import json, os; print(json.dumps({'title': 't', 'markdown': ' '.join(sorted(os.listdir('/proc/self/fd'))), 'pages': [], 'language': '', 'metadata': {}}))",
        )
        assert str(held.fileno()) not in read_in_sandbox(source, "a.md").markdown.split()[3:-1]


def test_start_is_quick(source):
    read_in_sandbox(source, "a.md")
    started = time.monotonic()
    read_in_sandbox(source, "a.md")
    assert time.monotonic() - started < 2
