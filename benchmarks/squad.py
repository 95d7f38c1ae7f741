"""What measurements on SQuAD questions share: where the data is, a database of their own, and how it ends."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(about: str, option: str, count: int, measure: Callable[[Path, int], bool]) -> None:
    """Measures on the public SQuAD set, and ends the program with whether the bar was met.

    Args:
        about: the module's docstring.
        option: what `count` is a number of, such as "pairs".
        count: the default.
        measure: called with the folder of the set and the number, with a database at hand.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument(f"--{option}", dest="count", type=int, default=count)
    options = parser.parse_args()
    folder = options.data / "retrieval" / "squad"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-squad-")))
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = measure(folder, options.count)
    sys.exit(not met)
