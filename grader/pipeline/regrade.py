"""Today's rubric on stored facts: nothing of a student's is run, and nothing is verified again without need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from grader.assignment import Assignment, Baseline, Dataset, find_baseline, silent
from grader.errors import DataError, EvidenceError
from grader.evidence import FrameReader
from grader.pipeline.assemble import assemble
from grader.pipeline.collect import believed
from grader.pipeline.facts import Facts, from_plain, judgement, pack, to_plain, unpack
from grader.pipeline.probes import make_probes
from grader.pipeline.trusted import Trusted
from grader.pipeline.versions import verifier_version
from grader.pipeline.weights import weights_by_model
from grader.score import Grade
from grader.score.rows import ClassRow, class_row
from grader.score.spool import Spool, spooling
from grader.store import Entry, EvidenceStore, Register


@dataclass(frozen=True)
class Regraded:
    """A submission under today's rubric: the entry that it has, and the one that it would have with its grade.
    `problem` says why it stays as it is, where it does."""

    before: Entry
    after: Entry | None = None
    grade: Grade | None = None
    problem: str = ""

    @property
    def verified_before(self) -> bool:
        """Whether it is judged on what an earlier verification found, because the evidence is not kept any more."""
        return self.after is not None and self.after.verifier != verifier_version()

    @property
    def changed(self) -> bool:
        """Whether score, maximum or status are others than before."""
        return self.after is not None and _told(self.before.row) != _told(self.after.row)

    @property
    def outdated(self) -> bool:
        """Whether the reports that are there say something else than they would say today."""
        return self.after is not None and self.before.judgement != self.after.judgement


def waiting() -> AbstractContextManager[Spool[Regraded]]:
    """Where regraded submissions wait on disk until somebody has agreed."""
    return spooling(Regraded, to_plain, from_plain)


def regrade(book: Register, assignment: Assignment, store: EvidenceStore) -> Iterator[Regraded]:
    """Every submission of the register that has facts, in the order of the class, one at a time.

    Nothing changes but what is known of the runs: where the verification is another, it is done again, once.
    """
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
            verifier, packed = self._facts(entry, book)
            grade = self._grade(entry, unpack(packed))
        except (EvidenceError, DataError) as error:
            return Regraded(entry, problem=error.message)
        row = class_row(grade, entry.row.name, entry.row.attempt, entry.row.late)
        rubric = self._assignment.rubric.sha256
        # Without a setting the next `grade` looks again, and finds the facts.
        after = replace(entry, row=row, rubric=rubric, setting="", verifier=verifier, judgement=judgement(grade))
        return Regraded(entry, after, grade)

    def _facts(self, entry: Entry, book: Register) -> tuple[str, bytes]:
        """What today's verification finds in the run, made and kept where that is new; else what an earlier one found,
        and which that was. Raises EvidenceError where there is nothing."""
        today = verifier_version()
        known = book.facts(entry.evidence, today)
        if known is not None:
            return today, known
        earlier = book.facts(entry.evidence, entry.verifier)
        if earlier is None:
            raise EvidenceError("its facts are missing")
        anew = self._verify_again(entry, unpack(earlier))
        if anew is None:
            return entry.verifier, earlier
        book.renew(entry.evidence, today, anew)
        return today, anew

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
        stored = self._store.load(entry.evidence)
        if stored is None or facts.collected.flaw:
            return None
        from grader.verify.run import verify

        evidence = believed(FrameReader().feed(stored.stream), facts.collected.outcome.isolation)
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
