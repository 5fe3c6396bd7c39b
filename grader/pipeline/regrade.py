"""Today's rubric on stored facts: nothing of a student's is run, and nothing is verified again without need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader.assignment import Assignment, Baseline, Dataset, find_baseline, silent
from grader.errors import DataError, EvidenceError
from grader.evidence import FrameReader, parse_evidence
from grader.pipeline.assemble import assemble
from grader.pipeline.facts import Facts, judgement, pack, unpack
from grader.pipeline.probes import make_probes
from grader.pipeline.trusted import Trusted
from grader.pipeline.versions import verifier_version
from grader.pipeline.weights import weights_by_model
from grader.score import Grade
from grader.score.rows import ClassRow, class_row
from grader.store import Entry, EvidenceStore, Register


@dataclass(frozen=True)
class Regraded:
    """A submission under today's rubric: the entry that it has, the one that it would have with its grade, and its
    facts where they had to be found again. `problem` says why it stays as it is, where it does."""

    before: Entry
    after: Entry | None = None
    grade: Grade | None = None
    facts: bytes | None = None
    problem: str = ""

    @property
    def changed(self) -> bool:
        """Whether score, maximum or status are others than before."""
        return self.after is not None and _told(self.before.row) != _told(self.after.row)

    @property
    def outdated(self) -> bool:
        """Whether the reports that are there say something else than they would say today."""
        return self.after is not None and self.before.judgement != self.after.judgement


def regrade(book: Register, assignment: Assignment, store: EvidenceStore) -> Iterator[Regraded]:
    """Every submission of the register that has facts, in the order of the class, one at a time."""
    judge = _Judge(assignment, store)
    for entry in book.entries():
        if entry.evidence:
            yield judge.judge(entry, book)
        elif entry.row.status not in ("missing", "rejected"):
            yield Regraded(entry, problem="it has not been graded yet")


class _Judge:
    def __init__(self, assignment: Assignment, store: EvidenceStore):
        self._assignment = assignment
        self._store = store
        self._baselines: dict[str, Baseline] = {}
        self._trusted: dict[str, Trusted] = {}

    def judge(self, entry: Entry, book: Register) -> Regraded:
        try:
            packed = book.facts(entry.evidence, entry.verifier)
            if packed is None:
                raise EvidenceError("its facts are missing")
            verifier = entry.verifier
            anew = None if verifier == verifier_version() else self._verify_again(entry, unpack(packed))
            facts = unpack(anew or packed)
            grade = self._grade(entry, facts)
        except (EvidenceError, DataError) as error:
            return Regraded(entry, problem=error.message)
        row = class_row(grade, entry.row.name, entry.row.attempt, entry.row.late)
        rubric = self._assignment.rubric.sha256
        verifier = verifier_version() if anew else entry.verifier
        # Without a setting the next `grade` looks again, and finds the facts.
        after = replace(
            entry, row=row, rubric=rubric, setting="", verifier=verifier, judgement=judgement(grade)
        )  # fmt: skip
        return Regraded(entry, after, grade, anew)

    def _grade(self, entry: Entry, facts: Facts) -> Grade:
        known = replace(facts.submission, id=entry.row.id, path=entry.row.path)
        facts = replace(facts, submission=known, collected=replace(facts.collected, cached=True))
        return assemble(facts, self._assignment, self._baseline(facts.dataset))

    def _baseline(self, dataset: Dataset) -> Baseline:
        """The reference accuracy that today's assignment has for a data set; measured where it is not known."""
        if dataset.sha256 not in self._baselines:
            self._baselines[dataset.sha256] = find_baseline(self._assignment, dataset, silent)
        return self._baselines[dataset.sha256]

    def _verify_again(self, entry: Entry, facts: Facts) -> bytes | None:
        """The facts as today's verification finds them in the stored evidence; None where that is gone."""
        from grader.verify.run import verify

        stored = self._store.load(entry.evidence)
        if stored is None or facts.collected.flaw:
            return None
        evidence = parse_evidence(FrameReader().feed(stored.stream))
        trusted = self._trusted.setdefault(
            facts.dataset.sha256, Trusted(facts.dataset, int(self._assignment.rubric.parameters["classes"]))
        )
        setting = trusted.result()
        probes = make_probes(setting.images.test, facts.collected.probe_seed)
        found = verify(evidence, replace(setting, probes=probes))
        collected = replace(facts.collected, evidence=evidence)
        weights = weights_by_model(evidence, found)
        return pack(replace(facts, collected=collected, verifications=found, weights=weights))


def _told(row: ClassRow) -> tuple[float | None, float, str]:
    return row.score, row.max_score, row.status
