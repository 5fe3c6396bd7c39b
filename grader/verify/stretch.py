"""The updates between two recorded ones, done again: do the recorded images, loss and optimizer lead from one to the
other? What a program does only while it is looked at shows here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from grader.evidence.values import Trace
from grader.verify.accuracy import Model
from grader.verify.course import Course, Moment, Weights, update_of, weights_of
from grader.verify.oracle import RIGHT_LOSS
from grader.verify.replay import ReplayError
from grader.verify.result import StepProof
from grader.verify.rows import Images
from grader.verify.timeline import Timeline, Window
from grader.verify.updates import replay_update

# Stretches of more updates than this cost too much time, and rounding errors grow in them.
LONGEST = 30
# How far the weights of the end may be from the recorded ones, as a share of their way (measured: below 1e-4).
SHARE = 0.05
Tensors = Mapping[int, torch.Tensor]


class Stretches:
    """All stretches of one model with the practical's layers; `mean_gradient` is that of the mean cross entropy."""

    def __init__(self, model: Model | None, timeline: Timeline, images: Images):
        self._model = model
        self._images = images
        self._windows = timeline.windows

    def doubt(self, traces: Sequence[Trace], steps: Sequence[StepProof], course: Course) -> str:
        """Why the journal is not what happened after the traces; empty where it may be."""
        updated = [t for t in traces if t.reason == "step"]
        # What a program does to its gradients (clipping) need not show in every update.
        if not all(map(_uses_what_it_adds, updated)):
            return ""
        proofs = {step.trace: step for step in steps if _is_right(step)}
        judged = []
        for begin, following in pairwise(updated):
            same = begin.optimizer_description == following.optimizer_description
            if not same or begin.index not in proofs or len(begin.backwards) != 1:
                continue
            own, between, end = self._after(begin, course)
            if own is not None and end is not None and all(map(_is_simple, [own, *between])):
                judged.append(self._leads_elsewhere(begin, end.weights, own, between))
        if not any(judged) or 2 * sum(judged) < len(judged):
            return ""
        return (
            f"{sum(judged)} of {len(judged)} stretches between examined updates lead elsewhere when they are done "
            "again with the recorded images, the cross entropy and the recorded optimizer"
        )

    def _after(self, begin: Trace, course: Course) -> tuple[Window | None, list[Window], Moment | None]:
        """The trace's own window, those up to the next recorded moment that lies behind another one, and that moment;
        None where there is none near enough."""
        update = update_of(begin, course.events)
        windows = [w for w in self._windows if w.update is not None and update is not None and w.update >= update]
        if len(windows) < 2 or windows[0].update != update:
            return None, [], None
        end = next((m for m in course.moments if m.event > (windows[1].update or 0)), None)
        between = [w for w in windows[1:] if end is not None and (w.update or 0) < end.event]
        return windows[0], between, end if len(between) <= LONGEST else None

    def _leads_elsewhere(self, begin: Trace, target: Weights, own: Window, between: Sequence[Window]) -> bool:
        stepper = replay_update(begin)
        if stepper is None or not stepper.tensors or stepper.tensors.keys() - target.keys():
            return False
        start = {n: t.detach().clone() for n, t in stepper.tensors.items()}
        try:
            scale = self._scale(begin, own)
            for window in between if scale else ():
                for number, gradient in self._gradients(stepper.tensors, window.rows).items():
                    stepper.tensors[number].grad = gradient * scale
                stepper.step()
        except (ReplayError, RuntimeError):  # weights of other shapes or types than the trusted side's
            return False
        goal = {n: torch.from_numpy(np.array(target[n])) for n in start}
        way = sum(float((start[n] - goal[n]).norm() ** 2) for n in start)
        off = sum(float((t.detach() - goal[n]).norm() ** 2) for n, t in stepper.tensors.items())
        return bool(scale) and off > SHARE**2 * way > 0

    def _scale(self, begin: Trace, own: Window) -> float:
        """The program's loss as a multiple of the mean cross entropy; 0 where it is none."""
        tensors = {n: torch.from_numpy(np.array(a)) for n, a in weights_of(begin, "parameter").items()}
        added, mean = weights_of(begin, "added/all"), self._gradients(tensors, own.rows)
        if added.keys() != mean.keys():
            return 0.0
        seen = np.concatenate([added[n].reshape(-1).astype(np.float64) for n in sorted(added)])
        expected = np.concatenate([mean[n].numpy().reshape(-1).astype(np.float64) for n in sorted(added)])
        scale = float(seen @ expected / max(float(expected @ expected), 1e-30))
        return scale if np.linalg.norm(seen - scale * expected) <= 1e-3 * np.linalg.norm(seen) else 0.0

    def _gradients(self, tensors: Tensors, rows: np.ndarray) -> dict[int, torch.Tensor]:
        """The gradient of the mean cross entropy of these images, by parameter; raises `ReplayError`."""
        leaves = {n: t.detach().clone().requires_grad_(True) for n, t in tensors.items()}
        scores = self._model.plain_scores(self._images.all[rows], leaves) if self._model is not None else None
        if scores is None:
            raise ReplayError("the model has other layers than the practical's")
        loss = F.cross_entropy(scores, torch.from_numpy(self._images.labels[rows]))
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def _is_simple(window: Window) -> bool:
    """One batch of known images, and an update by the optimizer."""
    known = len(window.rows) > 0 and bool((window.rows >= 0).all())
    return known and len(window.batches) == 1 and not window.batches[0].stale and not window.manual


def _is_right(proof: StepProof) -> bool:
    """Whether the update was by the gradient of the cross entropy with the right labels."""
    right = proof.loss == RIGHT_LOSS and not proof.negated and proof.gradient_matches and proof.equivalent
    target = proof.target is not None and proof.target.kind in ("one_hot", "index") and proof.target.wrong == 0
    return bool(right and target and not proof.unlinked)


def _uses_what_it_adds(trace: Trace) -> bool:
    used, added = weights_of(trace, "gradient"), weights_of(trace, "added/all")
    return used.keys() == added.keys() and all(
        used[n].shape == added[n].shape and np.allclose(used[n], added[n], rtol=1e-4, atol=1e-7) for n in used
    )
