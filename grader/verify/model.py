"""One model of a run, judged: the story of its training, and the model itself made again."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from grader.evidence.values import Evidence, ProbeAnswer, Snapshot, Trace
from grader.verify import accuracy as accuracy_of
from grader.verify.accuracy import Model
from grader.verify.architecture import describe
from grader.verify.facts import is_test_pass
from grader.verify.graph import ForwardPath, Graph, build_graph, trace_forward
from grader.verify.inputs import Batches
from grader.verify.refuted import is_refuted
from grader.verify.replay import Impossible, Replay, ReplayError, parameters_of
from grader.verify.result import AccuracyFacts, Architecture, ProbeFacts, TestPass
from grader.verify.rows import Images
from grader.verify.timeline import Pass, Timeline

# Scores differ by rounding alone: another order of summation in another batch size.
SCORE_TOLERANCE = 2e-3


class StudentModel:
    """The forward pass of one model, from the trace that shows it best."""

    def __init__(self, traces: Sequence[Trace], batches: Batches, classes: int):
        self._batches = batches
        self._classes = classes
        self.architecture: Architecture | None = None
        self._graph: Graph | None = None
        self._path_taken: ForwardPath | None = None
        self._answer: tuple[Graph, int, int] | None = None
        self._scores: int | None = None
        self.replayed = True
        self.refuted = False
        self._choose(traces)

    def _choose(self, traces: Sequence[Trace]) -> None:
        """Takes the last complete forward pass; a test phase's, where there is one, since dropout is off there."""
        best = best_answer = -1
        for trace in traces:
            graph = build_graph(trace)
            for event in trace.events[:2]:
                path = self._path(graph, event)
                rank = self._rank(trace, path)
                if rank >= best:
                    best, self._graph, self._path_taken = rank, graph, path
                returned = next((v for v in trace.returned if v in set(_outputs(graph, path))), None)
                if returned is not None and path.dense is not None and rank >= best_answer:
                    best_answer, self._answer = rank, (graph, event, returned)
        if self._graph is not None and self._path_taken is not None:
            self._read(self._graph, self._path_taken)

    def _path(self, graph: Graph, event: int) -> ForwardPath:
        roots = [b.root for b in graph.trace.backwards if b.root is not None]
        root = next((r for r in roots if event in graph.events_of(graph.ancestors([r]))), None)
        return trace_forward(graph, event, root, self._classes)

    def _rank(self, trace: Trace, path: ForwardPath) -> int:
        complete = path.dense is not None and path.first is not None
        failed = any(node.error for node in trace.nodes)
        return 8 * complete + 4 * (not failed) + 2 * (not trace.backwards) + (not trace.truncated)

    def _read(self, graph: Graph, path: ForwardPath) -> None:
        trace, values = graph.trace, None
        batch = self._batches.make(trace, path.event)
        if batch is not None:
            self.replayed = False
            done = [trace.nodes[i] for i in graph.ancestors(_outputs(graph, path))]
            try:
                values = Replay(trace, {path.event: batch}, parameters_of(trace, gradients=False))
                values.run(done)
                self.replayed = values.agrees
                self.refuted = is_refuted(trace, done, [path.event], values)
            except ReplayError as error:
                self.refuted = isinstance(error, Impossible)
        self.architecture = describe(graph, path, values, batch, len(self._batches.rows(path.event)))
        if path.dense is not None and trace.nodes[path.dense].outputs:
            self._scores = trace.nodes[path.dense].outputs[0]

    def runnable(self) -> Model | None:
        """Images -> class scores."""
        if self._graph is None or self._path_taken is None or self._scores is None:
            return None
        return Model(self._graph, self._path_taken.event, self._scores, self._batches, self.architecture)

    def answering(self) -> Model | None:
        """Images -> what the student's own function returns, which may be past the scores."""
        if self._answer is None:
            return None
        graph, event, returned = self._answer
        return Model(graph, event, returned, self._batches, None)


def _outputs(graph: Graph, path: ForwardPath) -> list[int]:
    return [v for i in (*path.chain, *path.after) for v in graph.trace.nodes[i].outputs]


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


# So many test images tell a trained model from an untrained one.
QUICK = 1000


def quick_accuracy(model: Model | None, images: Images) -> Callable[[Mapping[int, np.ndarray]], float | None]:
    """Weights -> the model's accuracy on some of the test images."""

    def judge(parameters: Mapping[int, np.ndarray]) -> float | None:
        if model is None:
            return None
        with contextlib.suppress(ReplayError):
            return model.judge(images.test[:QUICK], images.test_labels[:QUICK], parameters).accuracy
        return None

    return judge


def judge_probe(
    evidence: Evidence,
    model: Model | None,
    number: int | None,
    parameters: Mapping[int, np.ndarray],
    probes: np.ndarray,
) -> ProbeFacts:
    """The student's own answers on `probes` (N, 784) against the trusted side's."""
    answer = next((p for p in evidence.probes if p.model == number), None)
    if answer is None or model is None:
        return ProbeFacts()
    given = answer.scores.get(30)
    failed = dict(answer.errors)
    if _ignores_input(answer, model, parameters, probes):
        return ProbeFacts(sizes_failed=failed, ignores_input=True)
    if given is None:
        return ProbeFacts(sizes_failed=failed)
    differences = []
    # A program may rescale its images within the function that is probed, or once for all before it.
    for rescaled in (True, False):
        with contextlib.suppress(ReplayError):
            expected = model.scores(probes[: len(given)], parameters, rescaled=rescaled)
            if expected.shape == given.shape:
                scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
                differences.append(float(np.abs(expected - given).max(initial=0.0)) / scale)
    if not differences:
        return ProbeFacts(sizes_failed=failed)
    return ProbeFacts(min(differences) <= SCORE_TOLERANCE, min(differences), failed)


def _ignores_input(answer: ProbeAnswer, model: Model, parameters: Mapping[int, np.ndarray], probes: np.ndarray) -> bool:
    """Whether every call gives the same scores, whatever its images, though the weights give others for them."""
    alike = []
    for size, given in answer.scores.items():
        calls = len(probes) // 30 if size == 30 else min(len(probes), 2 * size) // size
        if calls < 2 or not len(given) or len(given) % calls:
            return False
        blocks = given.reshape(calls, -1)
        alike.append(bool((blocks == blocks[0]).all()) and bool(np.isfinite(given).all()))
    if not alike or not all(alike):
        return False
    with contextlib.suppress(ReplayError):
        expected = model.scores(probes, parameters)
        return bool(np.ptp(expected, axis=0).max() > SCORE_TOLERANCE * max(1.0, float(np.abs(expected).max())))
    return False


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
    accuracy = loss = right = last = batch_mean = None
    if model is not None and parameters:
        with contextlib.suppress(ReplayError):
            everything = len(distinct) == len(images.test)
            chosen = slice(None) if everything else distinct
            judged = model.judge(images.test[chosen], images.test_labels[chosen], parameters)
            right = int((judged.right * counts).sum())
            accuracy = right / len(rows)
            loss = float((judged.losses * counts).sum() / len(rows))
            if len(rows) == len(look.rows):
                by_row = judged.right[np.searchsorted(distinct, rows)]
                last, batch_mean = _by_batch(by_row, look.sizes)
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
        forwards=len(look.sizes),
        unknown=int((look.rows < 0).sum()),
        last=last,
        batch_mean=batch_mean,
        trained_loss=look.trained_loss,
        label_losses=_by_label_alone(look, images),
    )


def _by_batch(right: np.ndarray, sizes: Sequence[int]) -> tuple[tuple[int, int], float]:
    """(images, hits) of the last batch, and the mean of the batches' accuracies."""
    ends = np.cumsum(sizes)
    totals = np.diff(np.concatenate([[0], right.cumsum()[ends - 1]]))
    return (int(sizes[-1]), int(totals[-1])), float((totals / np.array(sizes)).mean())


def _by_label_alone(look: Pass, images: Images) -> bool:
    """Whether the losses, one an image, are the same for all images of a class: the scores stand still."""
    if len(look.losses) != len(look.rows) or (look.rows < 0).any() or not np.isfinite(look.losses).all():
        return False
    losses, labels = np.array(look.losses), images.labels[look.rows]
    classes = [losses[labels == label] for label in np.unique(labels)]
    return len(losses) > 10 * len(classes) and all(np.ptp(part) <= 1e-5 * max(1.0, part.max()) for part in classes)


def linked_group(counts: Sequence[int]) -> int | None:
    """The commonest number of forward passes that a backward pass of the traces really depends on."""
    return Counter(counts).most_common(1)[0][0] if counts else None
