"""Many gradings in a row in one process, hostile ones among them: nothing may grow, and no honest grade may change.

`python -m tests.endurance.soak [GRADINGS]`
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time

from tests.hostile.cases import CASES
from tests.hostile.worker import Worker, _memory_mb

GRADINGS = 200
HONEST_SHARE = 2  # every second one
SKIPPED = ("29-swallows-interrupts", "30-stops-itself")  # each takes its whole time limit
MOST_GROWTH_MB = 100.0


def state(worker: Worker) -> dict[str, float]:
    """What must not grow: descriptors, processes, threads, temporary files, memory."""
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(worker.world.survivors()),
        "threads": threading.active_count(),
        "temporary": len(os.listdir(worker.world.temporary)),
        "memory_mb": round(_memory_mb(), 1),
    }


def main() -> int:
    """Grades, looks every ten times, and tells; 1 where something grew or a grade changed."""
    gradings = int(sys.argv[1]) if len(sys.argv) > 1 else GRADINGS
    worker, begun = Worker("full"), time.monotonic()
    hostile = [case for name, case in CASES.items() if name not in SKIPPED]
    worker.attack(hostile[0], honest=True)
    first, changed, faults = state(worker), 0, []
    for number in range(gradings):
        if number % HONEST_SHARE == 0:
            changed += worker.honest_verdict() != worker.honest
        else:
            case = hostile[number // HONEST_SHARE % len(hostile)]
            faults += [f"{case.name}: {fault}" for fault in worker.attack(case, honest=False)["faults"]]
        if number % 10 == 9:
            print(number + 1, state(worker), flush=True)
    last = state(worker)
    grown = [name for name in first if name != "memory_mb" and last[name] > first[name]]
    if last["memory_mb"] > first["memory_mb"] + MOST_GROWTH_MB:
        grown.append("memory_mb")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = usage.ru_utime + usage.ru_stime
    print(f"{gradings} gradings in {time.monotonic() - begun:.0f} s, {own:.0f} s of the parent's own processor time")
    print(f"first {first}\nlast  {last}\ngrown {grown}; honest grades changed {changed}; faults {faults}")
    worker.close()
    return int(bool(grown or changed or faults))


if __name__ == "__main__":
    sys.exit(main())
