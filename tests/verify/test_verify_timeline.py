"""The journal as windows of learning and passes of looking, and the numbers that come of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from grader.evidence.values import UNKNOWN_CLASS, Events, Flag, Kind
from grader.verify.facts import is_test_pass, is_training_look, training_facts
from grader.verify.result import TrainingFacts
from grader.verify.timeline import Timeline, build_timeline, hits, usual_group

TRAIN = 120
LABELS = np.arange(200) % 10
OURS = frozenset({0})
Event = tuple[Kind, dict[str, object]]


def forward(rows: Sequence[int], who: int = 0, right: bool = True) -> Event:
    return Kind.FORWARD, {"rows": list(rows), "who": who, "right": right}


def backward(flags: int = 0, loss: float = 1.0, who: int = 0, size: int = 1) -> Event:
    return Kind.BACKWARD, {"flags": flags, "value": loss, "who": who, "size": size}


def step(flags: int = Flag.TOUCHED) -> Event:
    return Kind.STEP, {"flags": flags}


def update() -> Event:
    return Kind.UPDATE, {}


def loss(value: float, size: int = 30) -> Event:
    return Kind.LOSS, {"value": value, "size": size}


def story(*told: Event) -> tuple[Events, np.ndarray]:
    """The journal of these events, and the image numbers of its keys."""
    rows = [np.array(e.get("rows", []), dtype=np.int64) for _, e in told]
    numbers = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    sizes = [len(r) if k == Kind.FORWARD else int(e.get("size", 0)) for (k, e), r in zip(told, rows, strict=True)]
    right = np.concatenate([*(np.full(len(r), e.get("right", True)) for (_, e), r in zip(told, rows, strict=True)), []])
    predicted = np.where(right.astype(bool), LABELS[numbers], 11)
    events = Events(
        kind=np.array([k for k, _ in told], dtype=np.uint8),
        flags=np.array([e.get("flags", 0) for _, e in told], dtype=np.uint8),
        who=np.array([e.get("who", 0) for _, e in told], dtype=np.int32),
        size=np.array(sizes, dtype=np.int32),
        value=np.array([e.get("value", np.nan) for _, e in told], dtype=np.float32),
        start=np.cumsum([0, *(len(r) for r in rows)])[:-1],
        keys=numbers.astype(np.uint64),
        predicted=predicted.astype(np.uint8),
    )
    return events, numbers


def build(*told: Event, group: int = 1) -> Timeline:
    return build_timeline(*story(*told), OURS, group)


def facts(*told: Event, group: int = 1) -> TrainingFacts:
    return training_facts(build(*told, group=group), TRAIN, LABELS)


def epoch(size: int = 30, rows: Sequence[int] = range(TRAIN), stale: bool = False, loss: float = 1.0) -> list[Event]:
    """One right epoch: a step after each batch."""
    told: list[Event] = []
    for start in range(0, len(rows), size):
        told += [forward(rows[start : start + size]), backward(Flag.STALE if stale else 0, loss), step()]
    return told


def test_windows() -> None:
    """Each update closes a window with the images that it learnt from."""
    found = build(*epoch())
    assert [w.rows.tolist() for w in found.windows] == [list(range(i, i + 30)) for i in range(0, TRAIN, 30)]
    assert [w.update for w in found.windows] == [2, 5, 8, 11]
    assert not any(w.manual for w in found.windows)
    assert found.passes == ()


def test_pass_between_epochs() -> None:
    """Forward passes without a backward pass are one look; it knows how many updates came before."""
    found = build(*epoch(), forward(range(120, 150)), loss(0.5), forward(range(150, 180)), loss(0.25), *epoch())
    (look,) = found.passes
    assert look.rows.tolist() == list(range(120, 180))
    assert look.updates_before == 4
    assert look.losses == (0.5, 0.25)
    assert look.loss_sizes == (30, 30)
    assert len(found.windows) == 8
    assert found.windows[4].rows.tolist() == list(range(30))


def test_pass_at_the_end() -> None:
    """A look after the last update counts too, with its first and last event."""
    (look,) = build(*epoch(), forward(range(120, 150)), forward(range(150, 180))).passes
    assert (look.event, look.last_event, look.updates_before) == (12, 13, 4)


def test_loss_of_a_training_batch_is_not_a_test_loss() -> None:
    """Losses that led to a backward pass do not belong to the look after it."""
    (look,) = build(forward(range(30)), loss(9.0), backward(), step(), forward(range(120, 150)), loss(0.5)).passes
    assert look.losses == (0.5,)


def test_accumulated_gradients() -> None:
    """Thirty backward passes and one update are one window of thirty batches."""
    found = build(*[e for i in range(30) for e in (forward([i]), backward(Flag.STALE if i else 0))], step())
    (window,) = found.windows
    assert len(window.batches) == 30
    assert window.rows.tolist() == list(range(30))
    assert [b.stale for b in window.batches] == [False] + [True] * 29


def test_stacked_samples() -> None:
    """Where a backward pass takes in thirty forward passes, all of them are learnt from."""
    found = build(*[forward([i]) for i in range(30)], backward(size=30), step(), group=30)
    assert found.windows[0].rows.tolist() == list(range(30))
    assert found.windows[0].batches[0].forwards == 30


def test_forward_passes_beyond_the_group() -> None:
    """Where only one of several forward passes is learnt from, the others were a look."""
    found = build(forward(range(120, 150)), forward(range(30)), backward(), step())
    assert found.windows[0].rows.tolist() == list(range(30))
    assert found.passes[0].rows.tolist() == list(range(120, 150))


def test_other_models_do_not_count() -> None:
    """Forward and backward passes of another model stay out."""
    found = build(forward(range(60), who=7), backward(who=7), step(), *epoch())
    assert len(found.windows) == 4
    assert found.idle_updates == 1


def test_manual_updates() -> None:
    """An update by hand closes a window as a step does."""
    found = build(forward(range(30)), backward(), update(), forward(range(30, 60)), backward(), update())
    assert [w.manual for w in found.windows] == [True, True]


def test_backward_passes_that_were_never_used() -> None:
    """What no update follows is a window without one."""
    found = build(forward(range(30)), backward())
    assert found.windows[0].update is None


@pytest.mark.parametrize(
    ("flags", "empty", "touched"),
    [(Flag.TOUCHED, False, True), (Flag.NO_GRADIENT, True, False), (0, False, False)],
)
def test_flags_of_the_step(flags: int, empty: bool, touched: bool) -> None:
    """A step without gradients, or one that left the model alone, says so."""
    (window,) = build(forward(range(30)), backward(), step(flags)).windows
    assert (window.without_gradient, window.touched) == (empty, touched)


def test_usual_group() -> None:
    """The commonest number of forward passes a backward pass; 1 where there is none."""
    told = [forward([0]), backward(size=2), forward([1]), backward(size=2), forward([2]), backward(size=5)]
    assert usual_group(story(*told)[0], OURS) == 2
    assert usual_group(story(forward([0]), backward(who=4, size=9))[0], OURS) == 1


def test_hits() -> None:
    """Only known images with a predicted class are judged."""
    rows = np.array([0, 1, 2, -1, 4])
    predicted = np.array([0, 1, 9, 3, UNKNOWN_CLASS])
    assert hits(predicted, rows, LABELS) == (2, 3)


def test_facts_of_a_right_training() -> None:
    """Two epochs of four batches: every number is what the program did."""
    found = facts(*epoch(loss=2.0), *epoch(loss=1.0))
    assert (found.batches, found.updates, found.examples, found.distinct, found.total) == (8, 8, 240, TRAIN, TRAIN)
    assert (found.batch_rows, found.window_rows, found.window_batches, found.epochs) == (30, 30, 1.0, 2.0)
    assert (found.overlap, found.same_batch, found.stale_first, found.stale_inner) == (0.0, False, 0.0, None)
    assert found.losses == (2.0, 1.0)
    assert found.accuracies == (1.0, 1.0)


def test_no_training() -> None:
    """Without a backward pass there is nothing but the size of the data and idle steps."""
    assert facts(forward(range(60)), step(), step()) == TrainingFacts(total=TRAIN, idle_updates=2)


def test_overlapping_windows() -> None:
    """`X[i : i + 30]` for i = 0, 1, 2, ...: 29 of 30 images come again, few are seen, the epochs are still counted."""
    one = [e for i in range(20) for e in (forward(range(i, i + 30)), backward(), step())]
    found = facts(*one, *one, *one)
    assert found.overlap == pytest.approx(29 / 30)
    assert (found.distinct, found.epochs) == (49, 3.0)
    assert not found.same_batch


def test_one_batch_again_and_again() -> None:
    """Always the same batch is no overlapping window."""
    found = facts(*[e for _ in range(6) for e in (forward(range(30)), backward(), step())])
    assert found.same_batch
    assert found.distinct == 30


def test_truncated_training_set() -> None:
    """A training set that was cut off is a prefix; a sample of it is none."""
    assert facts(*epoch(rows=range(60))).prefix
    assert not facts(*epoch(rows=range(30, 90))).prefix


def test_test_images_in_training() -> None:
    """Test images in backward passes are counted, distinct and by batch."""
    found = facts(*epoch(rows=[*range(60), *range(120, 180), *range(120, 180)]))
    assert (found.test_rows, found.test_distinct, found.test_only_batches) == (120, 60, 4)


def test_batches_of_a_test_phase_that_learns_are_not_those_of_the_training() -> None:
    """Many single test images that are learnt from leave the training's batches what they are."""
    tested = [e for row in range(120, 180) for e in (forward([row]), backward(), step())]
    found = facts(*epoch(), *tested)
    assert (found.batch_rows, found.window_rows, found.window_batches) == (30, 30, 1.0)
    assert facts(*tested).batch_rows == 1


def test_old_gradients() -> None:
    """The share of updates whose first backward pass finds old gradients; the very first cannot."""
    assert facts(*epoch(), *epoch(stale=True)).stale_first == pytest.approx(4 / 7)
    per_sample = [e for i in range(60) for e in (forward([i]), backward(Flag.STALE if i % 30 else 0))]
    found = facts(*per_sample[:60], step(), *per_sample[60:], step())
    assert (found.stale_first, found.stale_inner, found.window_batches, found.window_rows) == (0.0, 1.0, 30.0, 30)


def test_gradients_that_pile_up_without_updates() -> None:
    """Without any update the old gradients are told apart."""
    found = facts(*[e for i in range(4) for e in (forward(range(30)), backward(Flag.STALE if i else 0))])
    assert (found.updates, found.stale_unupdated) == (0, 1.0)


def test_unknown_images_are_not_coverage() -> None:
    """Images that nobody knows are examples, but not known ones."""
    found = facts(forward([-1] * 20 + list(range(10))), backward(), step())
    assert (found.examples, found.known, found.distinct) == (30, 10, 10)


def test_training_accuracy() -> None:
    """Accuracy while learning comes from the predicted classes of each epoch."""
    wrong = [(k, {**e, "right": False}) if k == Kind.FORWARD else (k, e) for k, e in epoch()]
    assert facts(*wrong, *epoch()).accuracies == (0.0, 1.0)


def test_what_counts_as_a_test_phase() -> None:
    """Thirty test images make a test phase; fewer are a glance, training images another thing."""
    glance, phase, training = (build(forward(rows)).passes[0] for rows in (range(120, 140), range(120, 150), range(40)))
    assert [is_test_pass(p, TRAIN) for p in (glance, phase, training)] == [False, True, False]
    assert [is_training_look(p, TRAIN) for p in (glance, phase, training)] == [False, False, True]
