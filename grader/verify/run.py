"""Evidence -> `Verification`, one for each model that the program trained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.errors import EvidenceError
from grader.evidence.values import Evidence, Kind, Place, Snapshot
from grader.verify import model as model_of
from grader.verify.agreement import Consistency, Topic
from grader.verify.consistency import compare
from grader.verify.course import doubt_weights, follow
from grader.verify.facts import is_training_look, training_facts
from grader.verify.figures import wrong_figure
from grader.verify.groups import begins_uniform, is_recreated, serious_models
from grader.verify.inputs import Batches
from grader.verify.loading import data_facts
from grader.verify.model import StudentModel
from grader.verify.oracle import prove_step
from grader.verify.pictures import as_kernels, find_kernels, plain_kernels
from grader.verify.recognise import Recognised, recognise
from grader.verify.reported import find_fractions, find_values, printed_numbers, shapes_shown, test_accuracies
from grader.verify.result import (
    ProbeFacts,
    ReportedFacts,
    Shown,
    StepProof,
    TestPass,
    TrainingFacts,
    UpdateProof,
    Verification,
    WrongFigure,
)
from grader.verify.rows import Images, RowIndex
from grader.verify.stretch import Stretches
from grader.verify.timeline import Timeline, build_timeline, usual_group
from grader.verify.updates import prove_updates

# Losses of a test phase differ by less than this share from the cross entropy that its weights give.
LIKE = 0.2
# With these losses the class of the highest score is the one that the program counts.
COUNTED_BY_SCORES = ("cross entropy", "cross entropy of softmax")


@dataclass(frozen=True)
class Setting:
    """What the trusted side knows: its images, and the images on which the models are probed (N, 784)."""

    index: RowIndex
    probes: np.ndarray
    classes: int

    @property
    def images(self) -> Images:
        return self.index.images


def verify(evidence: Evidence, setting: Setting) -> tuple[Verification, ...]:
    """The models worth grading, the most trained one first; one empty verification where nothing was trained.

    Raises EvidenceError for evidence that makes no sense: forged numbers may fail anywhere, and that is no failure of
    the grader's.
    """
    try:
        return _verify(evidence, setting)
    except EvidenceError:
        raise
    except Exception as error:
        reason = f"it could not be verified ({type(error).__name__}: {str(error)[:200]})"
        raise EvidenceError(reason) from error


def _verify(evidence: Evidence, setting: Setting) -> tuple[Verification, ...]:
    seen = recognise(evidence, setting.index)
    groups = serious_models(evidence, len(setting.images.train))
    return tuple(_Judge(evidence, setting, seen, group).judge() for group in groups) or (
        _Judge(evidence, setting, seen, frozenset()).judge(),
    )


class _Judge:
    def __init__(self, evidence: Evidence, setting: Setting, seen: Recognised, models: frozenset[int]):
        self._evidence = evidence
        self._setting = setting
        self._rows = seen.rows
        self._models = models
        self._layout = seen.layout
        self._number = max(models) if models else None
        events = evidence.events
        self._traces = [
            t
            for t in evidence.traces
            if t.events and t.events[0] < len(events.who) and int(events.who[t.events[0]]) in models
        ]
        self._batches = Batches(events, seen.rows, seen.arrange, setting.images, self._traces)

    def judge(self) -> Verification:
        steps = tuple(prove_step(t, self._batches, self._setting.classes) for t in self._traces if t.backwards)
        updates = prove_updates(self._traces, self._evidence.events)
        timeline = self._timeline(steps)
        student = StudentModel(self._traces, self._batches, self._setting.classes)
        final = self._final(student)
        runnable = student.runnable()
        images = self._setting.images
        snapshots = [s for s in self._evidence.snapshots if s.model in self._models]
        passes = model_of.test_passes(timeline, runnable, snapshots, final, images)
        training = training_facts(timeline, len(images.train), images.labels)
        accuracy = model_of.judge_accuracy(runnable, final, images, self._setting.classes)
        answering = student.answering()
        probe = model_of.judge_probe(self._evidence, answering, self._number, final, self._setting.probes)
        recreated = is_recreated(self._evidence, self._models)
        parameters = student.architecture.parameters if student.architecture else ()
        weight = self._last(student.architecture.weight) if student.architecture else None
        return Verification(
            model=self._number,
            layout=self._layout,
            architecture=student.architecture,
            steps=steps,
            updates=updates,
            training=training,
            passes=passes,
            other_passes=len(timeline.passes) - len(passes),
            training_passes=sum(is_training_look(look, len(images.train)) for look in timeline.passes),
            accuracy=accuracy,
            probe=probe,
            shown=self._shown(weight),
            reported=self._reported(
                passes, accuracy.measured, self._wrong_figure(passes, training, steps, student, probe)
            ),
            data=data_facts(self._evidence, self._setting.index, timeline, self._batches.rescaling),
            kernels=plain_kernels(final.get(weight) if weight is not None else None),
            optimizer_parameters=self._optimizer_parameters(parameters, updates),
            optimizers_stepping=len(
                {int(w) for w in self._evidence.events.who[self._evidence.events.kind == Kind.STEP]}
            ),
            train_place=_first_place([b.place for t in self._traces for b in t.backwards]),
            test_place=self._test_place(passes),
            step_place=_first_place([u.place for u in updates]),
            recreated=recreated,
            uniform=begins_uniform(self._evidence, parameters),
            rebuilt=len(self._models) > 1 and not recreated,
            consistency=self._consistency(steps, timeline, student, final, snapshots),
        )

    def _consistency(
        self,
        steps: Sequence[StepProof],
        timeline: Timeline,
        student: StudentModel,
        final: Mapping[int, np.ndarray],
        snapshots: Sequence[Snapshot],
    ) -> Consistency:
        model, images, events = student.runnable(), self._setting.images, self._evidence.events
        one = student.architecture is not None and len(self._models) == 1
        numbers = student.architecture.parameters if one and student.architecture else ()
        course = follow(events, self._traces, snapshots, final, numbers)
        weights = doubt_weights(course, model_of.quick_accuracy(model, images), 1 / self._setting.classes)
        last = self._evidence.state.optimizers if self._evidence.state is not None else ()
        training = Stretches(model, timeline, images).doubt(self._traces, steps, course, last)
        refuted = student.refuted or any(s.refuted for s in steps)
        operations = "recorded operations do not give the recorded results when they are done again" if refuted else ""
        found: dict[Topic, str] = {"weights": weights, "training": training, "operations": operations}
        return compare(self._evidence, self._traces, steps, course, replayed=student.replayed, found=found)

    def _test_place(self, passes: Sequence[TestPass]) -> Place | None:
        """The line that runs the model in its first test phase, or, without one, wherever nothing is learnt."""
        resting = [t for t in self._traces if t.nodes and not t.backwards]
        later = [t for t in resting if passes and t.events[0] >= passes[0].event]
        return _first_place([t.place for t in later or resting])

    def _timeline(self, steps: Sequence[StepProof]) -> Timeline:
        linked = model_of.linked_group(
            [
                len(s.linked) // max(1, sum(b.root is not None for b in t.backwards))
                for s, t in zip(steps, [t for t in self._traces if t.backwards], strict=True)
                if s.linked
            ]
        )
        usual = usual_group(self._evidence.events, self._models)
        unlinked = 2 * sum(bool(s.unlinked) for s in steps) > len(steps)
        group = linked if linked and not unlinked else usual
        return build_timeline(self._evidence.events, self._rows, self._models, group)

    def _final(self, student: StudentModel) -> dict[int, np.ndarray]:
        """The weights at the end; where the run was cut off, the latest that were recorded."""
        if self._evidence.state is not None:
            return dict(self._evidence.state.final)
        latest: dict[int, np.ndarray] = {}
        for trace in self._traces:
            latest.update({int(n.rpartition("/")[2]): a for n, a in trace.arrays.items() if n.startswith("after/")})
        for snapshot in self._evidence.snapshots[-1:]:
            latest.update(snapshot.parameters)
        return latest

    def _last(self, weight: int | None) -> int | None:
        """The parameter that stands in the place of `weight` in the last of the models."""
        state = self._evidence.state
        if state is None or len(self._models) < 2:
            return weight
        owner = next((state.models[m] for m in self._models if weight in state.models.get(m, ())), ())
        last = next((state.models[m] for m in sorted(self._models, reverse=True) if state.models.get(m)), ())
        return last[owner.index(weight)] if weight in owner and len(last) == len(owner) else weight

    def _shown(self, weight: int | None) -> Shown | None:
        state = self._evidence.state
        if weight is None or state is None or weight not in state.final or weight not in state.first:
            return None
        final = state.final[weight]
        kernels = as_kernels(final)
        if kernels is None or not np.isfinite(kernels).all():
            return None
        # What is told at the end of the beginning may be false; what the first trace began with was seen in time.
        seen = (t.arrays.get(f"parameter/{weight}") for t in self._traces[:1])
        starts = [state.first[weight], *(a for a in seen if a is not None)]
        initial = [a.reshape(kernels.shape) for a in starts if a.size == kernels.size]
        between = [
            s.parameters[weight].reshape(kernels.shape)
            for s in self._evidence.snapshots
            if weight in s.parameters and not np.array_equal(s.parameters[weight], state.first[weight])
        ]
        return find_kernels(self._evidence.drawn, kernels, initial, between[-12:])

    def _wrong_figure(
        self,
        passes: Sequence[TestPass],
        training: TrainingFacts,
        steps: Sequence[StepProof],
        student: StudentModel,
        probe: ProbeFacts,
    ) -> WrongFigure | None:
        """Judged only where the trusted side knows the scores that the program counts with."""
        losses = Counter(s.loss for s in steps if s.loss)
        plain = student.architecture is not None and not student.architecture.extra
        named = bool(losses) and losses.most_common(1)[0][0] in COUNTED_BY_SCORES
        if not plain or not named or probe.agrees is False or len(self._models) != 1:
            return None
        return wrong_figure(self._evidence.output, passes, training, len(self._setting.images.train))

    def _reported(self, passes: Sequence[TestPass], measured: float | None, wrong: WrongFigure | None) -> ReportedFacts:
        text = self._evidence.output
        numbers = printed_numbers(text)
        recognised = 0
        for one in passes:
            if one.accuracy is None:
                continue
            said = find_fractions(numbers, one.accuracy, one.examples)
            losses = [v for v in one.losses if np.isfinite(v)] if _are_its_losses(one) else []
            total, count = sum(losses), max(1, len(losses))
            expected = [total, total / count, total / one.examples, one.loss or 0.0] if losses else [one.loss or 0.0]
            recognised += bool(said or find_values(numbers, [v for v in expected if v]))
        claimed = test_accuracies(numbers)
        final = claimed[-1] if claimed else None
        if final is None and measured is not None and find_fractions(numbers, measured, len(self._setting.images.test)):
            final = measured
        mentions = bool(re.search(r"test|val|acc|loss", text, re.IGNORECASE)) and bool(numbers)
        return ReportedFacts(
            final,
            recognised,
            mentions,
            shapes_shown(text, len(self._setting.images.train), len(self._setting.images.test)),
            wrong,
        )

    def _optimizer_parameters(self, parameters: Sequence[int], updates: Sequence[UpdateProof]) -> str:
        """ "all", "some" or "none" of the model's parameters are held by an optimizer; "manual" without one."""
        state = self._evidence.state
        ours = set(parameters)
        examined = [t.optimizer_description for t in self._traces if t.optimizer_description]
        described = examined if state is None else list(state.optimizers) or list(state.alive_optimizers)
        if not ours:
            return "unknown"
        if not described:
            return "manual" if any(u.moved for u in updates) else "unknown"
        held = _held(described) & _held(examined or described)
        return "all" if ours <= held else "some" if ours & held else "none"


def _held(optimizers: Sequence[Mapping[str, Any]]) -> set[int]:
    return {n for d in optimizers for g in d.get("groups", []) for n in g.get("parameters", [])}


def _are_its_losses(look: TestPass) -> bool:
    """Whether the losses that the process tells of are, as means or sums, near the recomputed one of the test pass."""
    if look.loss is None or not look.losses or len(look.losses) != len(look.loss_sizes):
        return True
    losses, sizes = np.array(look.losses, dtype=np.float64), np.maximum(look.loss_sizes, 1)
    readings = (losses.mean(), losses.sum() / sizes.sum(), (losses * sizes).sum() / sizes.sum())
    return any(abs(value - look.loss) <= LIKE * look.loss for value in readings)


def _first_place(places: Sequence[Place | None]) -> Place | None:
    return next((p for p in places if p is not None), None)
