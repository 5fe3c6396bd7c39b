"""The updates between two recorded ones, done again: do the recorded images, loss and optimizer lead from one to the
other? What a program does only while it is looked at shows here."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from grader.evidence.values import Trace
from grader.verify.accuracy import Model
from grader.verify.clipping import Rule, as_they_are, find_rule
from grader.verify.course import Course, Moment, Weights, update_of, weights_of
from grader.verify.oracle import RIGHT_LOSS
from grader.verify.replay import ReplayError
from grader.verify.result import StepProof
from grader.verify.rows import Images
from grader.verify.timeline import Timeline, Window
from grader.verify.updates import replay_update

# Stretches of more updates than this are done again only where the optimizer's settings stand still.
LONGEST, LONGEST_CONSTANT = 30, 500
# So many updates are done again in those longer stretches, and besides one of so many of the whole training; several
# times as many once a stretch led elsewhere.
SPENT, ONE_OF, SUSPICIOUS = 200, 200, 5
# How far the weights of the end may be from the recorded ones, as a share of their way (measured: below 1e-4).
SHARE = 0.05
Tensors = Mapping[int, torch.Tensor]
Claim = Mapping[str, Any]


@dataclass(frozen=True)
class Stretch:
    """Updates between two recorded moments, by the optimizer of `begin`; it starts where `begin`'s update ended, or
    from the weights `start`."""

    begin: Trace
    windows: tuple[Window, ...]
    end: Moment
    start: Weights | None = None


class Stretches:
    """All stretches of one model with the practical's layers."""

    def __init__(self, model: Model | None, timeline: Timeline, images: Images):
        self._model = model
        self._images = images
        self._windows = [w for w in timeline.windows if w.update is not None]
        self._updates = [w.update for w in self._windows if w.update is not None]  # in the order of time
        self._rule: Rule = as_they_are

    def doubt(self, traces: Sequence[Trace], steps: Sequence[StepProof], course: Course, last: Sequence[Claim]) -> str:
        """Why the journal is not what happened between the traces; empty where it may be.

        `last` describes the optimizers at the end.
        """
        updated = [t for t in traces if t.reason == "step"]
        found = find_rule(updated)
        if found is None:
            return ""
        self._rule, exceptions = found
        right = {step.trace for step in steps if _is_right(step)} - exceptions
        sound = [t for t in updated if t.index in right and len(t.backwards) == 1]
        scales = {t.index: self._scale(t, own) for t in sound if (own := self._own(t, course)) is not None}
        sound = [t for t in sound if scales.get(t.index)]
        near = self._near(updated, sound, course)
        judged = [self._leads_elsewhere(s, scales[s.begin.index]) for s in near]
        if not any(judged) or 2 * sum(judged) < len(judged):
            far = self._far(sound, course) if _stands_still(updated, last) else []
            judged = self._judge_some(far, scales, course)
            # Programs go back to their best weights, or begin anew, once; what deceives does so all the time.
            if sum(judged) < 2 or 2 * sum(judged) <= len(judged):
                return ""
        return (
            f"{sum(judged)} of {len(judged)} stretches between examined updates lead elsewhere when they are done "
            "again with the recorded images, the cross entropy and the recorded optimizer"
        )

    def _near(self, updated: Sequence[Trace], sound: Sequence[Trace], course: Course) -> list[Stretch]:
        """Short stretches, each between two updates by the same optimizer."""
        steady = [t for t, u in pairwise(updated) if t.optimizer_description == u.optimizer_description]
        found = [self._after(t, course) for t in sound if t in steady]
        return [s for s in found if s is not None and len(s.windows) <= LONGEST]

    def _far(self, sound: Sequence[Trace], course: Course) -> list[Stretch]:
        """Longer stretches from where the optimizer's memory is known, or, where it has none, from all moments."""
        if sound and _is_plain(sound[-1]):
            ends = [
                Stretch(sound[-1], self._between(before.event, after.event), after, before.weights)
                for before, after in pairwise(course.moments[:-1])
            ]
        else:
            ends = [s for t in sound if (s := self._after(t, course)) is not None and s.end is not course.moments[-1]]
        fitting = (s for s in ends if LONGEST < len(s.windows) <= LONGEST_CONSTANT)
        return [s for s in fitting if all(map(_is_simple, s.windows))]

    def _judge_some(self, stretches: Sequence[Stretch], scales: Mapping[int, float], course: Course) -> list[bool]:
        """Which of as many as there is time for lead elsewhere. The choice depends on the final weights, so that no
        program knows it while it runs."""
        final = course.moments[-1].weights if course.moments else {}
        seed = zlib.crc32(b"".join(np.ascontiguousarray(final[n]).tobytes() for n in sorted(final)))
        most, spent = SPENT + len(self._windows) // ONE_OF, 0
        judged: list[bool] = []
        for number in np.random.default_rng(seed).permutation(len(stretches)):
            stretch = stretches[number]
            spent += len(stretch.windows)
            if spent <= most * (SUSPICIOUS if any(judged) else 1):
                judged.append(self._leads_elsewhere(stretch, scales[stretch.begin.index]))
            else:
                spent -= len(stretch.windows)
        return judged

    def _own(self, trace: Trace, course: Course) -> Window | None:
        """The window of the trace's own update, where it is a simple one."""
        update = update_of(trace, course.events)
        own = () if update is None else self._between(update, update + 1)
        return own[0] if own and _is_simple(own[0]) else None

    def _between(self, begin: int, end: int) -> tuple[Window, ...]:
        """The windows whose updates lie between two events."""
        return tuple(self._windows[bisect_left(self._updates, begin) : bisect_left(self._updates, end)])

    def _after(self, begin: Trace, course: Course) -> Stretch | None:
        """From the update of `begin` to the next recorded moment behind another one; None where there is none, or
        where it is too far away."""
        update = update_of(begin, course.events)
        next_one = len(self._updates) if update is None else bisect_right(self._updates, update)
        if update is None or next_one == len(self._updates):
            return None
        end = next((m for m in course.moments if m.event > self._updates[next_one]), None)
        if end is None:
            return None
        between = self._between(update + 1, end.event)
        fits = len(between) <= LONGEST_CONSTANT and all(map(_is_simple, between))
        return Stretch(begin, between, end) if fits else None

    def _leads_elsewhere(self, stretch: Stretch, scale: float) -> bool:
        stepper, target = replay_update(stretch.begin), stretch.end.weights
        if stepper is None or not stepper.tensors or stepper.tensors.keys() - target.keys():
            return False
        try:
            if stretch.start is not None:
                stepper.set(stretch.start)
            start = {n: t.detach().clone() for n, t in stepper.tensors.items()}
            for window in stretch.windows:
                mean = self._gradients(stepper.tensors, window.rows)
                for number, gradient in self._rule({n: g * scale for n, g in mean.items()}).items():
                    stepper.tensors[number].grad = gradient
                stepper.step()
        except (ReplayError, RuntimeError, KeyError):  # weights of other shapes or types than the trusted side's
            return False
        goal = {n: torch.from_numpy(np.array(target[n])) for n in start}
        way = sum(float((start[n] - goal[n]).norm() ** 2) for n in start)
        off = sum(float((t.detach() - goal[n]).norm() ** 2) for n, t in stepper.tensors.items())
        return off > SHARE**2 * way > 0

    def _scale(self, begin: Trace, own: Window) -> float:
        """The program's loss as a multiple of the mean cross entropy; 0 where it is none."""
        tensors = {n: torch.from_numpy(np.array(a)) for n, a in weights_of(begin, "parameter").items()}
        try:
            added, mean = weights_of(begin, "added/all"), self._gradients(tensors, own.rows)
        except (ReplayError, RuntimeError):
            return 0.0
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


def _stands_still(updated: Sequence[Trace], last: Sequence[Claim]) -> bool:
    """Whether the optimizer has the same settings in all examined updates and at the end: no schedule is under way."""
    claims = [t.optimizer_description for t in updated if t.optimizer_description is not None]
    groups = claims[0].get("groups") if claims else None
    return all(c.get("groups") == groups for c in claims) and any(c.get("groups") == groups for c in last)


def _is_plain(trace: Trace) -> bool:
    """Whether the update was by an optimizer without memory, so that it may go on from any weights."""
    claim = trace.optimizer_description or {}
    groups = [g for g in claim.get("groups", []) if isinstance(g, Mapping)]
    settings = [g.get("settings", {}) for g in groups]
    return claim.get("class") == "SGD" and bool(settings) and all(s.get("momentum") == 0 for s in settings)
