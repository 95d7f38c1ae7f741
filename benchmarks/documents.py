"""Reads every file of the documents set in the sandbox; prints what is read, what is refused and why, and how fast.

    .venv/bin/python benchmarks/documents.py [--data ../shared/data]

Bars: 97 % of the files with text are read; 30 pages of PDF text a second on one core.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from knowledge.readers.base import ReadDocument, ReadError, read  # noqa: E402 - the path comes first
from knowledge.readers.sandbox import read_in_sandbox  # noqa: E402 - the path comes first

READ_BAR = 0.97
PAGES_BAR = 30.0  # a second on one core
MEASURED_SECONDS = 5.0
# A locked or empty file has no text to read; a PDF without text is checked against the text layer itself.
WITHOUT_TEXT = {"password", "empty", "no-pages"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder = parser.parse_args().data / "documents"
    if not folder.is_dir():
        sys.exit(f"There is no folder {folder}. Name the data folder with --data.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "LICENSE")
    met = measure_reading(files)
    met &= measure_pages([path for path in files if path.suffix == ".pdf"])
    sys.exit(0 if met else 1)


def measure_reading(files: list[Path]) -> bool:
    read_by_kind: Counter[str] = Counter()
    seconds: list[float] = []
    with_text = read_count = 0
    for path in files:
        started = time.perf_counter()
        result = attempt(path)
        seconds.append(time.perf_counter() - started)
        if isinstance(result, ReadDocument):
            read_by_kind[result.metadata["format"]] += 1
            read_count += 1
            with_text += 1
        else:
            with_text += has_text(path, result)
            print(f"refused {path.relative_to(path.parents[1])}: {result.code}: {result}")
    share = read_count / max(1, with_text)
    print(f"\n{len(files)} files: {read_count} read, {len(files) - read_count} refused")
    print("read:", ", ".join(f"{kind} {count}" for kind, count in sorted(read_by_kind.items())))
    print(f"of {with_text} files with text {share:.1%} are read (bar {READ_BAR:.0%})")
    middle, longest = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"a document in the sandbox: p50 {middle:.0f} ms, max {longest:.0f} ms")
    return share >= READ_BAR


def attempt(path: Path) -> ReadDocument | ReadError:
    try:
        return read_in_sandbox(path, path.name)
    except ReadError as error:
        return error


def has_text(path: Path, error: ReadError) -> bool:
    if error.code in WITHOUT_TEXT:
        return False
    if error.code == "no-text" and path.suffix == ".pdf":
        import pypdfium2

        with pypdfium2.PdfDocument(path) as pdf:
            return any(page.get_textpage().count_chars() for page in pdf)
    return True


def measure_pages(files: list[Path]) -> bool:
    documents = []
    for path in files:
        try:
            data = path.read_bytes()
            documents.append((data, path.name, len(read(data, path.name).pages)))
        except ReadError:
            continue
    pages, started = 0, time.process_time()
    while time.process_time() - started < MEASURED_SECONDS and documents:
        for data, name, count in documents:
            read(data, name)
            pages += count
    rate = pages / max(1e-9, time.process_time() - started)
    print(f"PDF text: {rate:.0f} pages/s on one core (bar {PAGES_BAR:.0f}; {len(documents)} files)")
    return rate >= PAGES_BAR


if __name__ == "__main__":
    main()
