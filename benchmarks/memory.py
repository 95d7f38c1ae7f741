"""Memory and start: proportional set size of every process of `serve`, idle with the demo, and seconds to ready."""

import argparse
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.serving import serving

SETTLE = 10  # seconds


def family(pid: int) -> list[psutil.Process]:
    """A process, its children, and the servers that run on its data folder (PostgreSQL is not its child)."""
    mine = psutil.Process(pid)
    return [mine, *mine.children(recursive=True)]


def postgres_processes(data: Path) -> list[psutil.Process]:
    pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    return family(pid)


def pss(process: psutil.Process) -> float:
    """Megabytes, shared pages counted in proportion."""
    return float(process.memory_full_info().pss) / 1e6


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="askwell-memory-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        with serving(data) as server:
            print(f"first start, demo read: ready after {server.ready_after:.1f} s")
        with serving(data) as server:
            print(f"later start: ready after {server.ready_after:.1f} s")
            time.sleep(SETTLE)
            total = 0.0
            for process in family(server.process.pid) + postgres_processes(data):
                size = pss(process)
                total += size
                if size > 5:
                    print(f"  {size:7.1f} MB  {' '.join(process.cmdline())[:90]}")
            print(f"everything, idle, demo loaded: {total:.0f} MB")


if __name__ == "__main__":
    main()
