"""Grades hostile submissions one after another: `python -m tests.hostile.worker LEVEL`, names on standard input.

A process of its own for each level and user, since a user is one. Each name is answered with a line of JSON: what was
seen, and which of the suite's invariants do not hold. A name after "control " is answered with whether the attack works
without the sandbox.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.assignment import Limits
from grader.pipeline import Graded, Grader, Options, find_candidates, prepare
from grader.report import html, json_, markdown
from grader.sandbox import available_isolation, keep_zygote, kept_zygote
from tests.hostile.cases import CASES, Case, as_notebook
from tests.hostile.world import World
from tests.tamper.programs import program

MEBIBYTE = 1 << 20
LIMITS = {
    "wall_s": 150.0,
    "memory_bytes": 1024 * MEBIBYTE,
    "processes": 64,
    "file_bytes": 64 * MEBIBYTE,
    "disk_bytes": 128 * MEBIBYTE,
    "entries": 5000,
    "output_bytes": MEBIBYTE,
}
FORGED = ("report.json", "grades.csv", "evidence.json", "evidence", "journal.safetensors")  # of row 3
MOST_GROWTH_MB = 250.0
SLACK_S = 60.0


@dataclass(frozen=True)
class Seen:
    """One grading: the grade, every text that a person could see of it, and its seconds."""

    graded: Graded
    texts: Mapping[str, str]
    wall_s: float


@dataclass(frozen=True)
class Verdict:
    """What a submission got: status, points, and in words each check's outcome, the findings and the reviews."""

    status: str
    score: float
    told: tuple[str, ...]


class Worker:
    """A grader at one level, in a world full of bait."""

    def __init__(self, level: str) -> None:
        self.world = World()
        os.environ["GRADE_SECRET"] = self.world.canary
        grader = prepare(Options(assignment=self.world.assignment, data=self.world.data, cache=False))
        isolation = available_isolation(force="full" if level == "forked" else level)
        if level == "forked":
            keep_zygote()
            assert kept_zygote("full") is not None
        self.grader = replace(grader, isolation=isolation, limits=_limits(grader.limits))
        self.twins: dict[str, float] = {}
        self.honest = self.honest_verdict()
        self.world.known = set(self.world.survivors())

    def honest_verdict(self) -> Verdict:
        """All that an honest submission gets now."""
        grade = self.grade("honest", as_notebook(program())).graded.grade
        checks = [check for question in grade.questions for check in question.checks]
        told = (*(f"{each.id} {each.outcome} {each.points}" for each in checks), *(each.id for each in grade.findings))
        return Verdict(grade.status, grade.score, (*told, *grade.review))

    def grade(self, name: str, notebook: str, wall_s: float | None = None) -> Seen:
        """Grades a notebook in a folder of its own, with the bait beside it."""
        folder = self.world.folder / "grades" / name
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.ipynb").write_text(notebook, encoding="utf-8")
        (folder / "bait.json").write_bytes(self.world.bait(sandboxed=True))
        (candidate,) = find_candidates(folder)
        grader: Grader = self.grader
        if wall_s is not None:
            grader = replace(grader, limits=replace(grader.limits, wall_s=wall_s))
        begun = time.monotonic()
        graded = grader.grade_one(candidate)
        wall = time.monotonic() - begun
        texts = {
            "json": json_.render(graded.grade),
            "html": html.render(graded.grade),
            "markdown": markdown.render(graded.grade),
            "notebook": graded.notebook or "",
        }
        return Seen(graded, texts, wall)

    def attack(self, case: Case, *, honest: bool) -> dict[str, Any]:
        """Grades the case and checks I1 to I6; `honest` grades an honest submission after it."""
        twin = self.twin(case)
        before, memory = self.world.tree(), _memory_mb()
        wall_s = case.expected.get("timeout")
        seen = self.grade(case.name, case.notebook(attacked=True), wall_s)
        if case.expected.get("twice"):
            seen = self.grade(case.name, case.notebook(attacked=True), wall_s)
        grade = seen.graded.grade
        faults = [*self._judged(case, seen), *self._invariants(before, memory, seen, wall_s)]
        if grade.score > twin + 1e-9:
            faults.append(f"I2: {grade.score:g} points, {twin:g} without the attack")
        if honest and (again := self.honest_verdict()) != self.honest:
            faults.append(f"I5: an honest submission got {again}, {self.honest} before")
        found = {"status": grade.status, "score": grade.score, "twin": twin, "wall_s": round(seen.wall_s, 2)}
        return {**found, "got_through": self._got_through(case, seen), "faults": faults}

    def twin(self, case: Case) -> float:
        """The score of the same submission without the attack."""
        text = case.notebook(attacked=False)
        if text not in self.twins:
            known = case.expected["faults"] == []
            self.twins[text] = self.honest.score if known else self.grade("twin", text).graded.grade.score
        return self.twins[text]

    def _got_through(self, case: Case, seen: Seen) -> bool:
        """Whether the attack did outside, or says that it did, what it is for."""
        if case.expected.get("inside") or case.expected["witness"] != "says":
            return False
        outputs = "".join(_printed(seen.texts["notebook"]))
        return "WORKED" in outputs

    def _judged(self, case: Case, seen: Seen) -> list[str]:
        grade, expected, faults = seen.graded.grade, case.expected, []
        if grade.status not in expected["status"]:
            faults.append(f"status {grade.status} ({grade.message})")
        missing = set(expected["findings"]) - {finding.id for finding in grade.findings}
        if missing:
            faults.append(f"findings {sorted(missing)} are missing")
        if "review" in expected and not any(expected["review"] in reason for reason in grade.review):
            faults.append(f"no review says {expected['review']!r}: {grade.review}")
        if len(seen.texts["notebook"]) > expected.get("largest_output", 10_000_000):
            faults.append(f"the executed notebook has {len(seen.texts['notebook']):,} characters")
        for text in expected.get("forbidden", []):
            faults += [f"{text!r} stands in the {kind}" for kind in ("html", "markdown") if text in seen.texts[kind]]
        return faults

    def _invariants(self, before: Mapping[str, Any], memory: float, seen: Seen, wall_s: float | None) -> list[str]:
        leaks = [kind for kind, text in seen.texts.items() if self.world.canary in text]
        faults = [f"I1: the secret stands in the {kind}" for kind in leaks]
        survivors = self.world.survivors()
        if survivors:
            faults.append(f"I3: processes {survivors} survive")
        after = self.world.tree()
        changed = [name for name in before if before[name] != after[name]]
        if changed:
            faults.append(f"I4: {changed} of the host changed")
        if self.world.arrived():
            faults.append("I4: a listener on loopback was called")
        if self.world.victim_died():
            faults.append("I4: a process of the host was killed")
        if (growth := _memory_mb() - memory) > MOST_GROWTH_MB:
            faults.append(f"I6: the grader took {growth:.0f} MB")
        if seen.wall_s > (wall_s or LIMITS["wall_s"]) + SLACK_S:
            faults.append(f"I6: grading took {seen.wall_s:.0f} s")
        return faults

    def control(self, case: Case) -> dict[str, Any]:
        """Whether the attack works without a sandbox, by what it leaves outside."""
        before = self.world.tree()
        witness = case.expected["witness"]
        text, code = self.world.control(case.code, 5 if witness == "alive" else 60)
        worked = {
            "canary": lambda: self.world.canary in text,
            "victim": self.world.victim_died,
            "target": lambda: before["files"] != self.world.tree()["files"],
            "arrived": lambda: bool(self.world.arrived()),
            "survivor": lambda: bool(self.world.survivors()),
            "says": lambda: "WORKED" in text,
            "alive": lambda: code is None,
            "error": lambda: code not in (0, None),
            "exit:0": lambda: code == 0,
            "exit:-11": lambda: code == -11,
        }[witness]()
        if case.expected.get("twice"):
            worked = "WORKED" in self.world.control(case.code, 60)[0]
        self._clean()
        return {"worked": worked, "output": text[-500:]}

    def close(self) -> None:
        """Takes the world away, and what attacks left in shared memory where they ran without a sandbox."""
        self._clean()
        for path in Path("/dev/shm").iterdir():
            if path.name in FORGED and path.stat().st_uid == os.geteuid():
                path.unlink()
        self.world.close()

    def _clean(self) -> None:
        for path in self.world.open_to_all.iterdir():
            path.unlink() if path.is_file() else None
        for folder in ("/dev/shm", "/tmp", "/var/tmp", str(Path.home()), str(Path.home() / ".cache")):
            Path(folder, self.world.nonce).unlink(missing_ok=True)
        for pid in self.world.survivors():
            os.kill(pid, 9)


def _limits(limits: Limits) -> Limits:
    return replace(limits, **LIMITS)  # type: ignore[arg-type]


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MEBIBYTE


def _printed(notebook: str) -> list[str]:
    cells = json.loads(notebook)["cells"] if notebook else []
    return ["".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", [])]


def main() -> None:
    """Answers names until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    print(json.dumps({"honest": worker.honest.score}), file=answers, flush=True)
    for line in sys.stdin:
        way, _, name = line.strip().partition(" ")
        case = CASES[name]
        answer = worker.control(case) if way == "control" else worker.attack(case, honest=way == "then-honest")
        print(json.dumps(answer), file=answers, flush=True)
    worker.close()


if __name__ == "__main__":
    main()
