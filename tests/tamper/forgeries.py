"""Forgeries of the journal and of what is told at the end, each of one field: right in form and shape, but false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from grader.evidence import Evidence
from grader.evidence.values import DataLoad, Events, Flag, Kind, Picture, State
from grader.recorder import fingerprint
from tests.recorder.images import TRAIN
from tests.tamper.evidence import recorded
from tests.tamper.forged_traces import Forge, noisy
from tests.verify.traces import IMAGES, INDEX

CONV = (10, 1, 8, 8)


@cache
def keys_of_all() -> np.ndarray:
    """The key of every image, training images first."""
    return fingerprint.keys(fingerprint.sample_any(IMAGES.all.reshape(-1, 28, 28)))


def journal(change: Callable[[Events], dict[str, np.ndarray]]) -> Forge:
    """Other columns of the journal."""
    return lambda evidence: replace(evidence, events=replace(evidence.events, **change(evidence.events)))


def rows_where(events: Events, flag: bool) -> np.ndarray:
    """Which of the keys belong to forward events with gradients on (or off), as a mask."""
    mask = np.zeros(len(events.keys), dtype=bool)
    for i in np.flatnonzero(events.kind == Kind.FORWARD):
        if bool(events.flags[i] & Flag.GRAD_ENABLED) == flag:
            mask[events.start[i] : events.start[i] + events.size[i]] = True
    return mask


def rekeyed(change: Callable[[np.ndarray, Events], np.ndarray]) -> Forge:
    """Other images: `change` takes the image numbers of all keys, and gives others."""

    def forge(events: Events) -> dict[str, np.ndarray]:
        rows = INDEX.match(events.keys)[0]
        return {"keys": keys_of_all()[change(rows, events)]}

    return journal(forge)


def tested_on_test(rows: np.ndarray, events: Events) -> np.ndarray:
    """Test images wherever a phase without gradients looked at training images."""
    return np.where(rows_where(events, False) & (rows < TRAIN), TRAIN + rows % 60, rows)


def never_the_test_set(rows: np.ndarray, events: Events) -> np.ndarray:
    """Training images wherever the program learnt from test images."""
    return np.where(rows_where(events, True) & (rows >= TRAIN), rows - TRAIN, rows)


def all_images(rows: np.ndarray, events: Events) -> np.ndarray:
    """Every second epoch over the first half of the images becomes one over the second half."""
    training = rows_where(events, True)
    position = np.cumsum(training) - 1
    return np.where(training & (position // 60 % 2 == 1), rows + 60, rows)


def more_epochs(events: Events) -> dict[str, np.ndarray]:
    """The journal of three epochs and a bit more than twice that again, behind each other."""
    times = 3
    columns = {name: getattr(events, name) for name in ("kind", "flags", "who", "size", "value")}
    longer = {name: np.concatenate([column] * times + [column[: len(column) // 3]]) for name, column in columns.items()}
    forwards = np.where(longer["kind"] == Kind.FORWARD, longer["size"], 0).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(forwards)[:-1]])
    count = int(forwards.sum())
    keys, predicted = (np.concatenate([c] * (times + 1))[:count] for c in (events.keys, events.predicted))
    return {**longer, "start": start, "keys": keys, "predicted": predicted}


def with_steps(events: Events) -> dict[str, np.ndarray]:
    """A loss and a backward pass become a backward pass and a step."""
    columns = (events.kind, events.flags, events.who, events.size, events.value)
    kind, flags, who, size, value = (column.copy() for column in columns)
    for i in np.flatnonzero(events.kind == Kind.BACKWARD):
        for column in (kind, flags, who, size, value):
            column[i - 1] = column[i]
        kind[i], flags[i], who[i], size[i] = Kind.STEP, Flag.TOUCHED, 0, 0
    return {"kind": kind, "flags": flags, "who": who, "size": size, "value": value}


def flagged(stale: bool) -> Forge:
    """No backward pass (or every one) found an old gradient."""

    def forge(events: Events) -> dict[str, np.ndarray]:
        backward = events.kind == Kind.BACKWARD
        clean = events.flags & ~np.uint8(Flag.STALE)
        return {"flags": np.where(backward, clean | np.uint8(Flag.STALE) if stale else clean, events.flags)}

    return journal(forge)


def losses(value: float) -> Forge:
    """One value for every loss."""
    return journal(lambda e: {"value": np.where(e.kind == Kind.LOSS, value, e.value).astype(np.float32)})


def all_right(events: Events) -> dict[str, np.ndarray]:
    """Every predicted class is the label of its image."""
    return {"predicted": IMAGES.labels[INDEX.match(events.keys)[0]].astype(np.uint8)}


def state(change: Callable[[State], dict[str, Any]]) -> Forge:
    """Other fields of the final state."""

    def forge(evidence: Evidence) -> Evidence:
        assert evidence.state is not None
        return replace(evidence, state=replace(evidence.state, **change(evidence.state)))

    return forge


def kernels_of(evidence: Evidence, moment: str = "final") -> np.ndarray:
    """The model's ten kernels (10, 1, 8, 8)."""
    assert evidence.state is not None
    return next(array for array in getattr(evidence.state, moment).values() if array.shape == CONV)


def shown_kernels(evidence: Evidence) -> Evidence:
    """Pictures of the trained kernels."""
    images = kernels_of(evidence)[:, 0]
    return replace(evidence, pictures=tuple(Picture(len(evidence.events.kind), image) for image in images))


def from_right(name: str) -> Forge:
    """A field of the right program's evidence."""
    return lambda evidence: replace(evidence, **{name: getattr(recorded(), name)})


def state_from_right(name: str) -> Forge:
    """A field of the right program's final state."""
    return state(lambda _: {name: getattr(recorded().state, name)})


def load_test(evidence: Evidence) -> Evidence:
    """A call of np.load that never was."""
    return replace(evidence, loads=(*evidence.loads, DataLoad("test.npz", False, None)))


def noisy_pictures(evidence: Evidence) -> Evidence:
    """Pictures of something else."""
    return replace(evidence, pictures=tuple(replace(p, image=noisy(p.image)) for p in evidence.pictures))


def noisy_probes(evidence: Evidence) -> Evidence:
    """Other answers to the probe images."""
    answers = tuple(replace(p, scores={n: noisy(s) for n, s in p.scores.items()}) for p in evidence.probes)
    return replace(evidence, probes=answers)
