"""One model of a run, judged: the story of its training, and the model itself made again."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from grader.evidence.values import Evidence, Place, Snapshot, Trace
from grader.verify import accuracy as accuracy_of
from grader.verify.accuracy import Model
from grader.verify.architecture import describe
from grader.verify.facts import is_test_pass
from grader.verify.graph import Graph, build_graph, trace_forward
from grader.verify.inputs import Batches
from grader.verify.replay import Replay, ReplayError, parameters_of
from grader.verify.result import AccuracyFacts, Architecture, ProbeFacts, TestPass
from grader.verify.rows import Images
from grader.verify.timeline import Pass, Timeline

# Scores differ by rounding alone: another order of summation in another batch size.
SCORE_TOLERANCE = 2e-3


class StudentModel:
    """The forward pass of one model, from the trace that shows it best."""

    def __init__(self, evidence: Evidence, traces: Sequence[Trace], batches: Batches, classes: int):
        self._evidence = evidence
        self._batches = batches
        self._classes = classes
        self.architecture: Architecture | None = None
        self.place: Place | None = None
        self._graph: Graph | None = None
        self._event = -1
        self._scores: int | None = None
        self._choose(traces)

    def _choose(self, traces: Sequence[Trace]) -> None:
        """Takes the last complete forward pass; a test phase's, where there is one, since dropout is off there."""
        best = -1
        for trace in traces:
            rank = self._rank(trace)
            if rank >= best and self._read(trace):
                best = rank

    def _rank(self, trace: Trace) -> int:
        complete = not any(node.error for node in trace.nodes)
        return 4 * complete + 2 * (not trace.backwards) + (not trace.truncated)

    def _read(self, trace: Trace) -> bool:
        if not trace.events:
            return False
        graph = build_graph(trace)
        roots = [b.root for b in trace.backwards if b.root is not None]
        event = trace.events[0]
        root = next((r for r in roots if event in graph.events_of(graph.ancestors([r]))), None)
        path = trace_forward(graph, event, root, self._classes)
        if path.first is None and self._graph is not None:
            return False
        values = None
        batch = self._batches.make(trace, event)
        if batch is not None:
            with contextlib.suppress(ReplayError):
                values = Replay(trace, {event: batch}, parameters_of(trace, gradients=False))
                values.run(
                    trace.nodes[i] for i in graph.ancestors([v for i in path.chain for v in trace.nodes[i].outputs])
                )
        self.architecture = describe(graph, path, values, len(self._batches.rows(event)))
        self._graph, self._event = graph, event
        self._scores = (
            trace.nodes[path.dense].outputs[0] if path.dense is not None and trace.nodes[path.dense].outputs else None
        )
        self._returned = next((v for v in trace.returned if v in graph.made_by), None)
        return True

    def runnable(self) -> Model | None:
        if self._graph is None or self._scores is None:
            return None
        return Model(self._graph, self._event, self._scores, self._batches, self.architecture)

    def answering(self) -> Model | None:
        """The same up to what the student's own function returns, which may be past the scores."""
        if self._graph is None or self._scores is None:
            return None
        return Model(
            self._graph,
            self._event,
            self._returned if self._returned is not None else self._scores,
            self._batches,
            None,
        )


def judge_accuracy(
    model: Model | None, parameters: Mapping[int, np.ndarray], images: Images, classes: int
) -> AccuracyFacts:
    """The final weights on the whole test set."""
    if model is None:
        return AccuracyFacts(reason="no forward pass from images to class scores was recorded")
    try:
        judged = model.judge(images.test, images.test_labels, parameters)
    except ReplayError as error:
        return AccuracyFacts(reason=error.message)
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (images.test_labels, np.minimum(judged.predicted, classes - 1)), 1)
    right = int(judged.right.sum())
    return AccuracyFacts(
        measured=right / len(judged.right),
        interval=accuracy_of.wilson(right, len(judged.right)),
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        non_finite=not np.isfinite(judged.losses).all(),
    )


def judge_probe(
    evidence: Evidence, model: Model | None, number: int, parameters: Mapping[int, np.ndarray], probes: np.ndarray
) -> ProbeFacts:
    """The student's own answers on `probes` (N, 784) against the trusted side's."""
    answer = next((p for p in evidence.probes if p.model == number), None)
    if answer is None or model is None:
        return ProbeFacts()
    given = answer.scores.get(30)
    failed = {size: text for size, text in answer.errors.items()}
    if given is None:
        return ProbeFacts(sizes_failed=failed)
    try:
        expected = model.scores(probes[: len(given)], parameters)
    except ReplayError:
        return ProbeFacts(sizes_failed=failed)
    if expected.shape != given.shape:
        return ProbeFacts(sizes_failed=failed)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    difference = float(np.abs(expected - given).max(initial=0.0)) / scale
    return ProbeFacts(bool(difference <= SCORE_TOLERANCE), difference, failed)


def test_passes(
    timeline: Timeline,
    model: Model | None,
    snapshots: Sequence[Snapshot],
    final: Mapping[int, np.ndarray],
    images: Images,
) -> tuple[TestPass, ...]:
    """The looks at the test set, each with the accuracy that the trusted side gets on the same images and weights."""
    train = len(images.train)
    last_update = max((p.updates_before for p in timeline.passes), default=0)
    found = []
    for look in timeline.passes:
        if not is_test_pass(look, train):
            continue
        parameters = _weights_at(look, snapshots, final if look.updates_before == last_update else None)
        found.append(_judge_pass(look, model, parameters, images))
    return tuple(found)


def _weights_at(
    look: Pass, snapshots: Sequence[Snapshot], final: Mapping[int, np.ndarray] | None
) -> Mapping[int, np.ndarray] | None:
    for snapshot in snapshots:
        if look.event <= snapshot.event <= look.last_event:
            return snapshot.parameters
    return final


def _judge_pass(
    look: Pass, model: Model | None, parameters: Mapping[int, np.ndarray] | None, images: Images
) -> TestPass:
    rows = look.rows[look.rows >= len(images.train)] - len(images.train)
    distinct, counts = np.unique(rows, return_counts=True)
    accuracy = loss = right = None
    if model is not None and parameters:
        with contextlib.suppress(ReplayError):
            judged = model.judge(images.test[distinct], images.test_labels[distinct], parameters)
            right = int((judged.right * counts).sum())
            accuracy = right / len(rows)
            loss = float((judged.losses * counts).sum() / len(rows))
    return TestPass(
        look.event,
        look.updates_before,
        len(rows),
        len(distinct),
        int(((look.rows >= 0) & (look.rows < len(images.train))).sum()),
        accuracy,
        loss,
        right,
        look.losses,
        look.loss_sizes,
    )


def linked_group(counts: Sequence[int]) -> int | None:
    """The commonest number of forward passes that a backward pass of the traces really depends on."""
    return Counter(counts).most_common(1)[0][0] if counts else None
