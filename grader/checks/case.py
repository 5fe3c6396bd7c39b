"""What a check looks at, and the two or three words in which it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.assignment import Baseline, CheckSpec
from grader.checks.catalogue import find_kind
from grader.checks.gaps import Gap, unanswered
from grader.checks.result import CheckResult, Confidence, Finding, Outcome, Where
from grader.evidence.values import Evidence, Place, RunError
from grader.verify.result import StepProof, Verification

NO_SHARED_MEMORY = "the sandbox has no shared memory here, which multiprocessing needs"


def quote(place: Place | None, sources: Mapping[tuple[str, int | None], str]) -> Where | None:
    """A place with its source line, from the student's sources by (file, cell)."""
    if place is None:
        return None
    lines = sources.get((place.file, place.cell), "").splitlines()
    line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else None
    return Where(place.file, place.cell, place.line, line)


def stopped(error: RunError) -> str:
    """Where an error ended a cell or file, and which error."""
    place = f"cell {error.cell}" if error.place is None or error.place.cell is not None else f"line {error.place.line}"
    return f"{place} stopped with {_words(error)}"


def _words(error: RunError) -> str:
    why = f" ({NO_SHARED_MEMORY})" if error.no_shared_memory else ""
    return f"{error.type}: {error.text[:120]}{why}"


@dataclass(frozen=True)
class Case:
    """One submission: evidence, what the trusted side found, and the student's source for quoting.

    `sources` maps (file, cell) to text; cell is None in a module. `ran_out` says why a run ended early, or is empty;
    `gaps` are those of the skeleton that are left, which then explain what their questions lack.
    """

    evidence: Evidence
    verification: Verification
    sources: Mapping[tuple[str, int | None], str]
    baseline: Baseline | None
    ran_out: str = ""
    gaps: tuple[Gap, ...] = ()

    @property
    def trained(self) -> bool:
        return self.verification.training.batches > 0

    @property
    def own_loop(self) -> bool:
        """Whether the training that was seen is the student's own."""
        return self.trained and not self.evidence.reference_loop

    @property
    def steps(self) -> tuple[StepProof, ...]:
        return self.verification.steps

    @property
    def only_looked(self) -> bool:
        """Whether the model was run without any backward pass, although nothing stopped the program."""
        return not self.trained and self.verification.architecture is not None and self.why_not_run("3.1") is None

    @property
    def cut_by(self) -> str | None:
        """The error that ended the training loop, in words; None where the loop came to its end."""
        place = self.verification.train_place
        if not self.trained:
            return None
        for error in self.evidence.errors:
            # Where a notebook hid its cells from the recorder, neither the loop's line is known nor the error's.
            here = error.place is None if place is None else place.cell is None or error.cell == place.cell
            if here:
                return f"the loop stops with {_words(error)}"
        return None

    def where(self, place: Place | None) -> Where | None:
        """The place with its source line."""
        return quote(place, self.sources)

    def why_not_run(self, question: str) -> str | None:
        """Why a part of `question` has no evidence: it was cut off, or something else failed before; else None."""
        if self.ran_out:
            return self.ran_out
        if self.evidence.errors and question not in unanswered(self.gaps):
            return stopped(self.evidence.errors[0])
        return None


@dataclass(frozen=True)
class Verdict:
    """A check's result, and the findings that it raised."""

    result: CheckResult
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Makes verdicts for one check: it knows the check, its points, and what was expected."""

    case: Case
    spec: CheckSpec
    expected: str

    def parameter(self, name: str) -> Any:
        return self.spec.parameters[name]

    def met(self, observed: str, *, confidence: Confidence = "observed", notes: tuple[Finding, ...] = ()) -> Verdict:
        return Verdict(self._result("met", self.spec.points, observed, confidence=confidence), notes)

    def lost(
        self,
        observed: str,
        finding: str,
        *,
        share: float = 1.0,
        place: Place | None = None,
        message: str = "",
        confidence: Confidence = "observed",
        more: tuple[Finding, ...] = (),
    ) -> Verdict:
        """`share` of the points are lost; the finding's hint goes with it."""
        kind = find_kind(finding)
        where = self.case.where(place)
        text = message or observed
        raised = Finding(finding, self.spec.question, kind.severity, confidence, text, where)
        outcome: Outcome = "unmet" if share >= 1 else "partly"
        points = round(self.spec.points * (1 - share), 4)
        result = CheckResult(
            self.spec.id,
            self.spec.question,
            outcome,
            points,
            self.spec.points,
            self.expected,
            observed,
            text,
            kind.hint,
            finding,
            where,
            confidence,
        )
        return Verdict(result, (raised, *more))

    def unmet(self, observed: str, hint: str = "", place: Place | None = None) -> Verdict:
        """Lost for want of anything to judge, not for a mistake that has a name."""
        return Verdict(
            CheckResult(
                self.spec.id,
                self.spec.question,
                "unmet",
                0.0,
                self.spec.points,
                self.expected,
                observed,
                observed,
                hint,
                None,
                self.case.where(place),
            )
        )

    def not_assessed(self, reason: str) -> Verdict:
        return Verdict(
            CheckResult(
                self.spec.id,
                self.spec.question,
                "not_assessed",
                None,
                self.spec.points,
                self.expected,
                "not assessed",
                reason,
            )
        )

    def absent(self, what: str) -> Verdict:
        """There is no `what`: not assessed where something stopped the run before it, unmet where it was left out."""
        reason = self.case.why_not_run(self.spec.question)
        if reason is not None:
            return self.not_assessed(f"{what} was not seen, for {reason}")
        return self.unmet(f"no {what} was seen")

    def _result(self, outcome: Outcome, points: float, observed: str, confidence: Confidence) -> CheckResult:
        return CheckResult(
            self.spec.id,
            self.spec.question,
            outcome,
            points,
            self.spec.points,
            self.expected,
            observed,
            confidence=confidence,
        )


def note(
    case: Case,
    finding: str,
    question: str,
    message: str,
    place: Place | None = None,
    confidence: Confidence = "observed",
) -> Finding:
    """A finding that costs nothing by itself."""
    return Finding(finding, question, find_kind(finding).severity, confidence, message, case.where(place))


def joined(parts: list[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
