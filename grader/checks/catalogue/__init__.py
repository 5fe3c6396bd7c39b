"""Every kind of finding, with its published explanation: one class an id, one module a question.

    find_kind("loss.double-softmax").hint

`all_kinds` is the whole table, in the order of the questions; nothing is discovered by importing.
"""

from __future__ import annotations

import difflib

from grader.checks.catalogue import (
    accuracy,
    data,
    forward,
    layers,
    objective,
    plots,
    run,
    testing,
    training,
    update,
)
from grader.checks.catalogue.kinds import FindingKind
from grader.errors import UsageError

__all__ = ["FindingKind", "all_kinds", "find_kind"]

_KINDS: tuple[type[FindingKind], ...] = (
    run.CellError,
    run.UndefinedName,
    run.Placeholder,
    run.SyntaxMistake,
    run.Timeout,
    run.OutOfMemory,
    run.Killed,
    run.ShadowedModule,
    run.NetworkAttempt,
    data.NotLoaded,
    data.SwappedSplits,
    data.Truncated,
    data.TestInTraining,
    data.ShapesNotShown,
    data.Unnormalised,
    layers.KernelSize,
    layers.Stride,
    layers.Padding,
    layers.Channels,
    layers.ExtraLayer,
    layers.MissingActivation,
    layers.WrongActivation,
    layers.DenseSize,
    layers.NotRegistered,
    layers.Recreated,
    forward.TransposedImage,
    forward.ScrambledImage,
    forward.BatchMixed,
    forward.ActivationDiscarded,
    forward.ActivationOnLogits,
    forward.Detached,
    forward.WrongOutput,
    forward.FixedBatch,
    objective.DoubleSoftmax,
    objective.NotCrossEntropy,
    objective.SwappedArguments,
    objective.NotSgd,
    objective.WrongParameters,
    objective.Rebuilt,
    objective.LearningRate,
    training.NotOneHot,
    training.WrongClass,
    training.Misaligned,
    training.OverlappingBatches,
    training.Coverage,
    training.BatchSize,
    training.Epochs,
    training.NoBackward,
    training.WrongGradient,
    training.Maximises,
    training.KeepsGraph,
    update.NoStep,
    update.NoZeroGrad,
    update.ClearedBeforeStep,
    update.StepFrequency,
    update.ZeroFrequency,
    testing.Missing,
    testing.UpdatesModel,
    testing.OnTrainingData,
    testing.TestCoverage,
    testing.StaleOutput,
    testing.GradientsOn,
    testing.WrongMetric,
    testing.AccuracyMismatch,
    plots.PlotMissing,
    plots.UntrainedFilters,
    plots.WrongTensor,
    plots.TooFew,
    accuracy.BelowReference,
    accuracy.Suspicious,
)
_BY_ID = {kind.id: kind for kind in _KINDS}
_SHOWN = 80


def all_kinds() -> tuple[type[FindingKind], ...]:
    """Every kind of finding, in the order of the questions."""
    return _KINDS


def find_kind(id: str) -> type[FindingKind]:
    """The kind with this id; letters may be large or small.

    Raises UsageError, which names the nearest ids, where there is no such kind.
    """
    wanted = id.strip().lower()
    if kind := _BY_ID.get(wanted):
        return kind
    near = _near(wanted[:_SHOWN])
    remedy = f"Did you mean {' or '.join(near)}?" if near else "A report shows each finding's id, such as run.timeout"
    raise UsageError(f"there is no finding {id[:_SHOWN]!r}", remedy=remedy)


def _near(wanted: str) -> list[str]:
    """At most three ids like the wanted one; its last part alone will do, such as `double-softmax`."""
    parts = [known for known in _BY_ID if known.partition(".")[2] == wanted]
    return parts or difflib.get_close_matches(wanted, _BY_ID, n=3)
