"""All tests, in parts that each have the machine for themselves; what `make test` runs.

A part that is red does not keep the others from being run. At the end it says how many tests there were, and its exit
status is that of the worst.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")  # files on two workers, with a database each
OUTCOMES = ("tests", "failures", "errors", "skipped")
PARTS = {
    "unit tests": (*SIDE_BY_SIDE, "tests", "--ignore=tests/faults", "--ignore=tests/journeys"),
    "fault tests": ("tests/faults",),
    "journeys": (*SIDE_BY_SIDE, "tests/journeys"),
}


def run(arguments: tuple[str, ...]) -> tuple[int, Counter[str]]:
    """The exit status of one part, and how many of its tests there were by their outcome."""
    with tempfile.TemporaryDirectory(prefix="askwell-report-") as folder:
        report = Path(folder) / "report.xml"
        status = subprocess.call([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments])
        suites = list(ET.parse(report).getroot().iter("testsuite")) if report.exists() else []  # noqa: S314 (just written)
        counts = Counter({outcome: int(suite.get(outcome, 0)) for suite in suites for outcome in OUTCOMES})
    return status, counts


def told(name: str, status: int, counts: Counter[str], took: float) -> str:
    """One line of the summary."""
    some = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count or outcome == "tests")
    minutes, seconds = divmod(round(took), 60)
    return f"{'red' if status else 'green':6}{name}: {some} in {minutes}:{seconds:02}\n"


def main() -> int:
    lines, worst, everything, begun = [], 0, Counter[str](), time.monotonic()
    for part, arguments in PARTS.items():
        sys.stdout.write(f"{part}\n")
        sys.stdout.flush()
        started = time.monotonic()
        status, counts = run(arguments)
        lines.append(told(part, status, counts, time.monotonic() - started))
        everything += counts
        worst = max(worst, abs(status))
    sys.stdout.write("\n" + "".join(lines) + told("in all", worst, everything, time.monotonic() - begun))
    return worst


if __name__ == "__main__":
    sys.exit(main())
