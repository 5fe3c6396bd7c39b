"""A program that stopped: which question's code was it, and what does that question lose?

The evidence ends at a crash, so that the checks behind it are not assessed. The question in which the mistake was made
loses the first check that cannot be shown to work; all others stay not assessed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.checks.case import Case, Verdict
from grader.checks.catalogue import find_kind
from grader.checks.result import Finding
from grader.checks.run import error_kind
from grader.checks.sections import NAMES_OF_FORWARD, section
from grader.evidence.values import RunError


@dataclass(frozen=True)
class Blame:
    """An error, the question whose code is at fault, and the check and finding that say so where they are known."""

    error: RunError
    question: str
    finding: str
    check: str | None = None


# (text of the error, question, finding or None for the error's own, check): torch's words where the place misleads,
# because an object that was made wrongly fails only when it is used. Wordings of torch 2.6 to 2.13.
_CAUSES: tuple[tuple[str, str, str | None, str | None], ...] = (
    (r"before Module\.__init__\(\) call", "2.1", None, None),
    (r"is not a Module subclass", "2.1", None, "layers.activation"),
    (r"'(ReLU|Sigmoid|Tanh|Conv2d|Linear)' object has no attribute", "2.1", None, "layers.activation"),
    (r"must be Tensor, not (ReLU|type|Conv2d|Linear)\b", "2.1", None, "layers.activation"),
    (r"optimizer got an empty parameter list", "2.1", "layer.not-registered", "layers.convolution"),
    (r"mat1 and mat2 shapes cannot be multiplied", "2.1", "layer.dense-size", "layers.dense"),
    (r"missing 1 required positional argument: 'self'", "2.3", None, "objective.parameters"),
    (r"Boolean value of Tensor with more than one value", "2.3", None, "objective.loss"),
    (r"argument 'input'.* must be Tensor, not numpy\.ndarray", "1", None, "data.loaded"),
    (r"Input type .* and (bias|weight) type .* should be the same", "1", None, "data.loaded"),
    (
        r"expected .*(Double|double|Byte|Long).* but found .*Float|mat1 and mat2 must have the same dtype",
        "1",
        None,
        None,
    ),
    (r"Expected floating point type for target", "3.1", None, "training.targets"),
    (r"to match target batch_size|target size|Target \d+ is out of bounds|one_hot", "3.1", None, "training.targets"),
    (r"backward through the graph a second time", "3.1", None, "training.gradient"),
    (r"'(float|int)' object has no attribute 'backward'", "3.1", None, "training.gradient"),
)
# The check that a crash in a question's code costs first.
_FIRST = {"3.1": "training.gradient", "3.2": "update.step", "3.3": "testing.phase", "4": "filters.plotted"}
_NO_VALUE = re.compile(r"NoneType")
_NO_GRADIENT = re.compile(r"does not require grad")


def charge_crashes(case: Case, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """`verdicts` with the crashes' own checks lost."""
    charged = list(verdicts)
    for blame in _blames(case):
        index = _index(charged, blame)
        if index is not None:
            charged[index] = _lost(case, charged[index], blame)
    return tuple(charged)


def _index(verdicts: Sequence[Verdict], blame: Blame) -> int | None:
    """The verdict to change: the named check, else the question's first, among those that the crash left open.

    None where the question has lost already, or where all of it was seen to work.
    """
    own = [(i, v.result) for i, v in enumerate(verdicts) if v.result.question == blame.question]
    if any(result.outcome in ("unmet", "partly") for _, result in own):
        return None
    open_ = [i for i, result in own if result.outcome == "not_assessed"]
    wanted = blame.check or _FIRST.get(blame.question)
    named = [i for i, result in own if result.id == wanted and i in open_]
    return next(iter(named or open_), None)


def _lost(case: Case, verdict: Verdict, blame: Blame) -> Verdict:
    place = blame.error.place
    kind = find_kind(blame.finding)
    text = f"{blame.error.type}: {blame.error.text}"[:300]
    where = case.where(place)
    result = replace(
        verdict.result,
        outcome="unmet",
        points=0.0,
        observed=f"the program stops here with {text}",
        message=f"the program stops with {text}",
        hint=kind.hint,
        finding=blame.finding,
        where=where,
        confidence="observed",
    )
    raised = (
        ()
        if blame.finding.startswith("run.")
        else (Finding(blame.finding, blame.question, kind.severity, "observed", text, where),)
    )
    return Verdict(result, (*verdict.findings, *raised))


def _blames(case: Case) -> Iterator[Blame]:
    """The first error, and what does not parse: any other one may follow from those."""
    if case.gaps:
        return
    errors = [error for error in case.evidence.errors if error.type != "SystemExit"]
    for number, error in enumerate(errors):
        blame = _blame(case, error) if number == 0 or error_kind(error) == "run.syntax-error" else None
        if blame is not None:
            yield blame


def _source(case: Case, error: RunError) -> str:
    """The source of the cell or file that stopped."""
    if error.place is not None:
        return case.sources.get((error.place.file, error.place.cell), "")
    return next((text for (_, cell), text in case.sources.items() if cell == error.cell), "")


def _blame(case: Case, error: RunError) -> Blame | None:
    own = error_kind(error)
    text = f"{error.type}: {error.text}"
    for pattern, question, finding, check in _CAUSES:
        if re.search(pattern, text):
            return Blame(error, question, finding or own, check)
    if _NO_VALUE.search(text) and _forward_returns_nothing(case):
        return Blame(error, "2.2", "forward.wrong-output", "forward.logits")
    if _NO_GRADIENT.search(text):
        return _without_graph(case, error)
    told = section(_source(case, error), error.place.line if error.place else 1)
    return None if told is None else Blame(error, told, own)


def _without_graph(case: Case, error: RunError) -> Blame:
    """`backward` on something without a graph: the forward pass cut it, or gradients were off."""
    off = re.compile(r"\.detach\(|\.data\b|\.numpy\(|no_grad")
    if any(off.search(body) for body in _forward_bodies(case)):
        return Blame(error, "2.2", "forward.detached", "forward.logits")
    return Blame(error, "3.1", "train.no-backward", "training.gradient")


def _forward_bodies(case: Case) -> Iterator[str]:
    """The text of each method called `forward`, and of each function that convolves."""
    for source in case.sources.values():
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                body = ast.get_source_segment(source, node) or ""
                if node.name in NAMES_OF_FORWARD or "conv2d" in body:
                    yield body


def _forward_returns_nothing(case: Case) -> bool:
    return any(not re.search(r"\breturn\b\s*\S", body) for body in _forward_bodies(case))
