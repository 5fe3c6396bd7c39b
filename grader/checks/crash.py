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
from grader.checks.gaps import unanswered
from grader.checks.result import Finding
from grader.checks.run import GAP, error_kind
from grader.checks.sections import NAMES_OF_FORWARD, section
from grader.evidence.values import Place, RunError


@dataclass(frozen=True)
class Blame:
    """What stopped, in words and where, the question whose code is at fault, and the check where it is known."""

    text: str
    place: Place | None
    question: str
    finding: str
    check: str | None = None


_OPTIMIZERS = r"SGD|Adam\w*|RMSprop|Rprop|Adagrad|Adadelta|NAdam|RAdam"
# (question, finding or None for the error's own, check or None for the question's first).
Cause = tuple[str, str | None, str | None]
# (text of the error, question, finding or None for the error's own, check): torch's words where the place misleads,
# because an object that was made wrongly fails only when it is used. Wordings of torch 2.6 to 2.13.
_CAUSES: tuple[tuple[str, str, str | None, str | None], ...] = (
    (r"before Module\.__init__\(\) call", "2.1", None, None),
    (r"is not a Module subclass", "2.1", None, "layers.activation"),
    (r"'(ReLU|Sigmoid|Tanh|Conv2d|Linear)' object has no attribute", "2.1", None, "layers.activation"),
    (r"must be Tensor, not (ReLU|type|Conv2d|Linear)\b", "2.1", None, "layers.activation"),
    (r"weight of size \[\d+, (?!1,)\d+, .* but got 1 channels", "2.1", "layer.channels", "layers.convolution"),
    (r"optimizer got an empty parameter list", "2.1", "layer.not-registered", "layers.convolution"),
    (r"mat1 and mat2 shapes cannot be multiplied", "2.1", "layer.dense-size", "layers.dense"),
    (r"missing 1 required positional argument: 'self'", "2.3", None, "objective.parameters"),
    (r"Boolean value of Tensor with more than one value", "2.3", None, "objective.loss"),
    (r"argument 'input'.* must be Tensor, not numpy\.ndarray", "1", None, "data.loaded"),
    (r"conv2d\(\) received an invalid combination of arguments - got \(numpy\.ndarray", "1", None, "data.loaded"),
    (r"Input type .* and (bias|weight) type .* should be the same", "1", None, "data.loaded"),
    (
        r"expected .*(Double|double|Byte|Long).* but found .*Float|mat1 and mat2 must have the same dtype",
        "1",
        None,
        "data.loaded",
    ),
    (r"Expected floating point type for target", "3.1", None, "training.targets"),
    (r"to match target batch_size|target size|Target \d+ is out of bounds|one_hot", "3.1", None, "training.targets"),
    (r"backward through the graph a second time", "3.1", None, "training.gradient"),
    (rf"'({_OPTIMIZERS})' object has no attribute 'zero", "3.2", None, "update.zero_grad"),
    (rf"'({_OPTIMIZERS})' object has no attribute", "3.2", None, "update.step"),
    (r"'(float|int)' object has no attribute 'backward'", "3.1", None, "training.gradient"),
)
# The check that a crash in a question's code costs first.
_FIRST = {"3.1": "training.gradient", "3.2": "update.step", "3.3": "testing.phase", "4": "filters.plotted"}
_NO_VALUE = re.compile(r"NoneType")
_NO_ATTRIBUTE = re.compile(r"^AttributeError: '\w+' object has no attribute '(\w+)'$")
_SEVERAL_TARGETS = re.compile(r"0D or 1D target tensor expected, multi-target")
_NLL = re.compile(r"NLLLoss|nll_loss")
_PRODUCT = re.compile(r"mat1 and mat2 shapes cannot be multiplied \((\d+)x\d+ and")
_NAME_OF_IMAGES = re.compile(r"(?:^|_)x(?:_|tr|te|$)|image|(?:train|test)x$", re.IGNORECASE)
_OTHER_SIZE = re.compile(r"is invalid for input of size")
_LOSS_STEP = re.compile(r"log_softmax|_loss")
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

    None where the question has lost already, or where all of it was seen to work; a mistake whose check is known
    costs it all the same, for what was seen before it does not speak against it.
    """
    own = [(i, v.result) for i, v in enumerate(verdicts) if v.result.question == blame.question]
    if any(result.outcome in ("unmet", "partly") for _, result in own):
        return None
    open_ = [i for i, result in own if result.outcome == "not_assessed"]
    wanted = blame.check or _FIRST.get(blame.question)
    known = blame.check is not None
    named = [i for i, result in own if result.id == wanted and (i in open_ or known)]
    return next(iter(named or open_), None)


def _lost(case: Case, verdict: Verdict, blame: Blame) -> Verdict:
    kind = find_kind(blame.finding)
    where = case.where(blame.place)
    result = replace(
        verdict.result,
        outcome="unmet",
        points=0.0,
        observed=blame.text,
        message=blame.text,
        hint=kind.hint,
        finding=blame.finding,
        where=where,
        confidence="observed",
    )
    raised = (
        ()
        if blame.finding.startswith("run.")
        else (Finding(blame.finding, blame.question, kind.severity, "observed", blame.text, where),)
    )
    return Verdict(result, (*verdict.findings, *raised))


def _blames(case: Case) -> Iterator[Blame]:
    """The first error, and what does not parse: any other one may follow from those, or from gaps that are left."""
    errors = [error for error in case.evidence.errors if error.type != "SystemExit"]
    left = unanswered(case.gaps) if errors else frozenset()
    for gap in case.gaps:
        if gap.question in left and gap.question is not None:
            yield Blame(GAP, gap.place, gap.question, "run.placeholder")
    for number, error in enumerate(errors):
        first = number == 0 and not left and not error.no_shared_memory
        blame = _blame(case, error) if first or error_kind(error) == "run.syntax-error" else None
        if blame is not None:
            yield blame


def _source(case: Case, error: RunError) -> str:
    """The source of the cell or file that stopped."""
    if error.place is not None:
        # A module that does not parse has no cell, whatever cell it was run in.
        own = case.sources.get((error.place.file, error.place.cell))
        return own if own is not None else case.sources.get((error.place.file, None), "")
    return next((text for (_, cell), text in case.sources.items() if cell == error.cell), "")


def _blame(case: Case, error: RunError) -> Blame | None:
    own = error_kind(error)
    cause = _cause(case, f"{error.type}: {error.text}") or _by_place(case, error)
    if cause is None:
        return None
    question, finding, check = cause
    text = f"the program stops with {error.type}: {error.text}"[:300]
    return Blame(text, error.place, question, finding or own, check)


def _cause(case: Case, text: str) -> Cause | None:
    """What the words of the error, and what else is known of the program, say."""
    if _images_are_labels(case):
        return "1", None, "data.loaded"
    if _one_row_of_several(case, text):
        return "2.2", "forward.batch-mixed", "forward.flattened"
    if _SEVERAL_TARGETS.search(text):
        # Cross entropy takes one-hot rows, unless they are of another width than the scores; the other loss never does.
        other = any(_NLL.search(source) for source in case.sources.values())
        return ("2.3", None, "objective.loss") if other else ("3.1", None, "training.targets")
    for pattern, question, finding, check in _CAUSES:
        if re.search(pattern, text):
            return question, finding, check
    if (_NO_VALUE.search(text) and _forward_returns_nothing(case)) or _loss_of_no_scores(case):
        return "2.2", "forward.wrong-output", "forward.logits"
    return _without_graph(case) if _NO_GRADIENT.search(text) else None


def _by_place(case: Case, error: RunError) -> Cause | None:
    """What the line that stopped says."""
    # A file that does not parse never ran: its error names the line, and the place is that of whoever imported it.
    said = re.search(r"line (\d+)\)$", error.text) if error_kind(error) == "run.syntax-error" else None
    line = int(said[1]) if said else error.place.line if error.place else 1
    told = section(_source(case, error), line)
    if told == "2.2" and _OTHER_SIZE.search(error.text) and case.trained:
        return "2.2", "forward.fixed-batch", "forward.flattened"
    lacking = _NO_ATTRIBUTE.search(f"{error.type}: {error.text}")
    if told == "2.2" and lacking and _is_local(case, lacking[1]):
        return "2.1", "layer.not-registered", "layers.convolution"
    return None if told is None else (told, None, None)


def _one_row_of_several(case: Case, text: str) -> bool:
    """Whether a dense layer fails because a batch of several images was flattened into one row."""
    rows = _PRODUCT.search(text)
    architecture = case.verification.architecture
    return rows is not None and rows[1] == "1" and architecture is not None and architecture.rows > 1


def _images_are_labels(case: Case) -> bool:
    """Whether a variable that is called like images, and is as long as the training set, has labels in it."""
    state = case.evidence.state
    total = case.verification.training.total
    for variable in state.variables if state is not None else ():
        shape = variable.get("shape")
        named = _NAME_OF_IMAGES.search(str(variable.get("name", "")))
        if named and isinstance(shape, list) and shape[:1] == [total] and shape[1:] in ([], [1], [10]):
            return True
    return False


def _loss_of_no_scores(case: Case) -> bool:
    """Whether a stretch ends in a loss that fails, given something else of the model's than its scores."""
    ended = [t for t in case.evidence.traces if t.nodes and t.nodes[-1].error and _LOSS_STEP.search(t.nodes[-1].op)]
    architecture = case.verification.architecture
    if not ended:
        return False
    trace = ended[0]
    shapes = {v: shape for node in trace.nodes for v, shape in zip(node.outputs, node.shapes, strict=False)}
    first = next(node for node in trace.nodes if _LOSS_STEP.search(node.op))
    given = first.inputs[0] if first.inputs else None
    shape = shapes.get(given["v"]) if isinstance(given, dict) and isinstance(given.get("v"), int) else None
    classes = architecture.dense_out if architecture is not None else None
    return bool(shape) and classes is not None and (len(shape or ()) > 2 or (shape or (0,))[-1] != classes)


def _is_local(case: Case, name: str) -> bool:
    """Whether an `__init__` of the student's keeps `name` for itself, without `self`."""
    for source in case.sources.values():
        for body in re.findall(r"def __init__\(.*?(?=\n\s*def |\Z)", source, re.DOTALL):
            if re.search(rf"^\s+{re.escape(name)}\s*=", body, re.MULTILINE):
                return True
    return False


def _without_graph(case: Case) -> Cause:
    """`backward` on something without a graph: the forward pass cut it, or gradients were off."""
    off = re.compile(r"\.detach\(|\.data\b|\.numpy\(|no_grad")
    if any(off.search(body) for body in _forward_bodies(case)):
        return "2.2", "forward.detached", "forward.logits"
    return "3.1", "train.no-backward", "training.gradient"


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
