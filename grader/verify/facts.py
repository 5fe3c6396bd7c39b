"""Numbers about the training and test phases, counted from the timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise

import numpy as np

from grader.verify.result import TrainingFacts
from grader.verify.timeline import Batch, Pass, Timeline, hits

# A look at fewer test images than this is a spot check (a plot, a printed shape), not a test phase.
SMALLEST_PASS = 30
OVERLAPPING = 0.3
MAX_PAIRS = 500
MAX_EPOCHS = 500


def training_facts(timeline: Timeline, train: int, labels: np.ndarray) -> TrainingFacts:
    """`train` is the number of training images; `labels` those of all images, training first."""
    windows = timeline.windows
    batches = [b for w in windows for b in w.batches]
    if not batches:
        return TrainingFacts(idle_updates=timeline.idle_updates, total=train)
    rows = np.concatenate([b.rows for b in batches])
    from_training = _counts(batches, rows < train)
    ours = rows[(rows >= 0) & (rows < train)]
    distinct = np.unique(ours)
    inner = [b.stale for w in windows for b in w.batches[1:]]
    overlap = _overlap(batches)
    epochs = _epochs(batches, ours, distinct, overlap)
    updated = [w for w in windows if w.update is not None]
    # Where the test phase learns too, the size of the batches is that of the training.
    trained = [b for b, count in zip(batches, from_training, strict=True) if count] or batches
    counts = iter(from_training)
    moved = [w for w in windows if sum(islice(counts, len(w.batches))) and w.update is not None] or updated
    losses, accuracies = _curve(batches, round(epochs), labels)
    return TrainingFacts(
        batches=len(batches),
        updates=len(updated),
        idle_updates=timeline.idle_updates,
        examples=len(rows),
        known=int((rows >= 0).sum()),
        distinct=len(distinct),
        total=train,
        overlap=overlap,
        same_batch=len(batches) > 3 and overlap > 0.99,
        prefix=bool(len(distinct) and distinct[-1] == len(distinct) - 1),
        batch_rows=_mode([len(b.rows) for b in trained]),
        batch_share=_share([len(b.rows) for b in trained]),
        window_rows=_mode([sum(len(b.rows) for b in w.batches) for w in moved]),
        window_batches=float(np.median([len(w.batches) for w in moved])) if moved else 0.0,
        epochs=epochs,
        test_rows=int((rows >= train).sum()),
        test_distinct=len(np.unique(rows[rows >= train])),
        test_only_batches=sum(not count and len(b.rows) > 0 for b, count in zip(batches, from_training, strict=True)),
        losses=losses,
        accuracies=accuracies,
        stale_first=_mean([w.batches[0].stale for w in updated[1:]]),
        stale_inner=_mean(inner) if inner else None,
        stale_unupdated=_mean(inner) if inner and not updated else None,
        without_gradient=_mean([w.without_gradient for w in updated]),
        untouched=_mean([not w.touched for w in updated]),
        manual=sum(w.manual for w in updated),
    )


def _counts(batches: Sequence[Batch], marks: np.ndarray) -> list[int]:
    """How many rows of each batch are marked; `marks` has one entry a row of all batches."""
    before = np.concatenate([[0], np.cumsum(marks)])
    ends = np.cumsum([len(b.rows) for b in batches])
    counts: list[int] = np.diff(before[ends], prepend=0).tolist()
    return counts


def _mean(flags: Sequence[bool]) -> float:
    return float(np.mean(flags)) if len(flags) else 0.0


def _mode(values: Sequence[int]) -> int:
    return Counter(values).most_common(1)[0][0] if values else 0


def _share(values: Sequence[int]) -> float:
    return Counter(values).most_common(1)[0][1] / len(values) if values else 0.0


def _overlap(batches: Sequence[Batch]) -> float:
    """The median share of a batch's images that come again in the next batch."""
    pairs = list(pairwise(batches))
    chosen = pairs[:: max(1, len(pairs) // MAX_PAIRS)]
    shares = [float(np.isin(a.rows, b.rows).mean()) for a, b in chosen if len(a.rows) and (a.rows >= 0).all()]
    return float(np.median(shares)) if shares else 0.0


def _epochs(batches: Sequence[Batch], ours: np.ndarray, distinct: np.ndarray, overlap: float) -> float:
    """How often the training went through its data; overlapping windows are counted by their returns to the start."""
    if not len(distinct):
        return 0.0
    if overlap > OVERLAPPING:
        start = batches[0].rows
        returns = [len(b.rows) == len(start) and bool((b.rows == start).all()) for b in batches]
        fresh = [now and not before for now, before in zip(returns, [False, *returns], strict=False)]
        return float(sum(fresh))
    return len(ours) / len(distinct)


def _curve(
    batches: Sequence[Batch], epochs: int, labels: np.ndarray
) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    """Mean loss and training accuracy of each epoch, while it was being learnt."""
    if not 1 <= epochs <= MAX_EPOCHS:
        return (), ()
    losses: list[float] = []
    accuracies: list[float | None] = []
    for part in np.array_split(np.arange(len(batches)), min(epochs, len(batches))):
        chosen = [batches[i] for i in part]
        values = [b.loss for b in chosen if np.isfinite(b.loss)]
        losses.append(float(np.mean(values)) if values else float("nan"))
        predicted, rows = (
            np.concatenate(parts) for parts in zip(*((b.predicted, b.rows) for b in chosen), strict=True)
        )
        right, judged = hits(predicted, rows, labels)
        accuracies.append(right / judged if judged else None)
    return tuple(losses), tuple(accuracies)


def is_test_pass(look: Pass, train: int) -> bool:
    """Whether enough test images were looked at for this to be a test phase."""
    return int((look.rows >= train).sum()) >= SMALLEST_PASS


def is_training_look(look: Pass, train: int) -> bool:
    """Forward passes over training images that nothing was learnt from."""
    known = look.rows[look.rows >= 0]
    return len(known) >= SMALLEST_PASS and not (known >= train).any()
