"""`python -m tests.guard`: runs every guarded program again and stores its facts and verdict; `make guard`.

With `--judge` nothing is run: the verdicts on the stored facts are made anew, which is what a change of a check needs.
Either way each verdict that changes is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.guard import archive, verdicts
from tests.guard.archive import Stored
from tests.guard.programs import GROUPS, run
from tests.recorder.images import write_small_data


def main() -> int:
    """Returns 0; what changed is on the screen and in the working tree."""
    parser = argparse.ArgumentParser(prog="python -m tests.guard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="only programs whose name contains one of these")
    parser.add_argument("--judge", action="store_true", help="run nothing, judge the stored facts again")
    parser.add_argument("--cache", action="store_true", help="use stored evidence")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if not options.judge:
        with tempfile.TemporaryDirectory(prefix="guard-") as folder:
            write_small_data(Path(folder))
            for group in GROUPS:
                _run(group, options, Path(folder))
    before = verdicts.read() if verdicts.FILE.exists() else {}
    now = {
        f"{group}: {program.name}": verdicts.judge(program)
        for group in archive.groups()
        for program in archive.read(group)
    }
    changed = [
        line for name in sorted({*before, *now}) for line in verdicts.differences(name, before.get(name), now.get(name))
    ]
    print("\n".join(changed) or "no verdict has changed")
    verdicts.write(now)
    return 0


def _run(group: str, options: argparse.Namespace, small: Path) -> None:
    """Runs the chosen programs of a group; the facts of the others stay as they are."""
    every = list(GROUPS[group][0]())
    chosen = [name for name in every if not options.names or any(part in name for part in options.names)]
    if not chosen:
        return
    kept: dict[str, Stored] = {}
    if len(chosen) < len(every) and group in archive.groups():
        kept = {program.name: program for program in archive.read(group)}
    kept |= {made.name: made for made in run(group, chosen, options.jobs, options.cache, small)}
    archive.write(group, (kept[name] for name in every if name in kept))


if __name__ == "__main__":
    sys.exit(main())
