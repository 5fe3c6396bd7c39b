"""Images whose pixels were put into another order before the first layer: within each image, or across a batch.

Keys know an image only as it lies in the data set. So the recorded batches themselves are compared with the trusted
images: by their pixels' values, which no order changes, and then by whether one order explains all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np

from grader.evidence.values import Events, Trace
from grader.recorder import fingerprint
from grader.verify.rows import Images, RowIndex

# An order of pixels is believed from so many images on; more than the second number are not needed.
FEWEST, MOST = 3, 300
# Levels of pixels may differ by this after rescaling; two images differ by far more in the sum of their levels.
LEVEL, SUM = 0.004, 0.25
MAX_AXES = 4


@dataclass(frozen=True)
class Scrambling:
    """`order` (784,) says which pixel of the staged image stands at each place; None where a batch is mixed."""

    order: np.ndarray | None

    def arrange(self, images: np.ndarray) -> np.ndarray:
        """Staged images (N, 28, 28) as the program arranges them."""
        flat = images.reshape(len(images), -1)
        return (flat if self.order is None else flat[:, self.order]).reshape(images.shape)


def find_scrambling(events: Events, traces: Sequence[Trace], index: RowIndex) -> Scrambling | None:
    """What one order of pixels makes of staged images all that was recorded; None where there is no such order."""
    recorded = list(_recorded(events, traces))
    several = [images for images in recorded if len(images) >= FEWEST]
    if several and _unmixed(several[:FEWEST], index):
        return Scrambling(None)
    if sum(map(len, recorded)) < FEWEST:
        return None
    order = _common_order(np.concatenate(recorded)[:MOST], index.images)
    return None if order is None else Scrambling(order)


def _recorded(events: Events, traces: Sequence[Trace]) -> Iterator[np.ndarray]:
    """The batches (N, 784) that were kept by value, in order."""
    for trace in traces:
        for event in trace.events:
            array = trace.arrays.get(f"data/{event}")
            size = int(events.size[event]) if event < len(events.size) else 0
            if array is not None and size and array.size == size * fingerprint.PIXELS and np.isfinite(array).all():
                yield array.reshape(size, fingerprint.PIXELS)


def _unmixed(batches: Sequence[np.ndarray], index: RowIndex) -> bool:
    """Whether all batches become staged images when their axes are put into another order."""
    if any(index.knows(batch) for batch in batches):
        return False
    orders = [
        (home, axes)
        for home in range(3)
        for axes in permutations(range(3))
        # With the images in their own place, at most each of them is turned.
        if (home, axes[0]) != (0, 0) and axes != (0, 1, 2)
    ]
    return any(all(index.knows(_put_back(batch, *order)) for batch in batches) for order in orders)


def _put_back(batch: np.ndarray, home: int, axes: tuple[int, ...]) -> np.ndarray:
    """`batch` (N, 784) read with its images along axis `home` of three, which are then reordered by `axes`."""
    shape = [fingerprint.SIDE, fingerprint.SIDE]
    shape.insert(home, len(batch))
    return np.ascontiguousarray(batch.reshape(shape).transpose(axes)).reshape(batch.shape)


def _levels(images: np.ndarray) -> np.ndarray:
    """Images (N, 784) with values of 0 to 1 each, whatever their scale was."""
    low = images.min(axis=1, keepdims=True)
    spread = images.max(axis=1, keepdims=True) - low
    levels: np.ndarray = np.divide(images - low, spread, out=np.zeros_like(images, dtype=np.float32), where=spread > 0)
    return levels


def _common_order(seen: np.ndarray, images: Images) -> np.ndarray | None:
    """The order of pixels by which staged images become `seen` (M, 784), all of them by the same one."""
    staged, seen = _levels(images.all), _levels(seen)
    rows = [_same_pixels(image, staged, staged.sum(axis=1)) for image in seen] if len(staged) else [None]
    known = [(row, image) for row, image in zip(rows, seen, strict=False) if row is not None]
    if len(known) < max(FEWEST, 0.9 * len(seen)):
        return None
    before = _whole(staged[[row for row, _ in known]])
    after = _whole(np.array([image for _, image in known]))
    by_axes = next((order for order in _axis_orders() if (before[:, order] == after).all()), None)
    if by_axes is not None:
        return by_axes
    # Pixels are told apart by their levels in all images; those that are alike everywhere are interchangeable.
    ranks = np.lexsort(before), np.lexsort(after)
    if not np.array_equal(before[:, ranks[0]], after[:, ranks[1]]):
        return None
    order = np.empty(fingerprint.PIXELS, dtype=np.int64)
    order[ranks[1]] = ranks[0]
    return order


def _same_pixels(image: np.ndarray, staged: np.ndarray, sums: np.ndarray) -> int | None:
    """The staged image that has the same levels as `image`, in whatever order."""
    ordered = np.sort(image)
    for row in np.flatnonzero(np.abs(sums - image.sum()) <= SUM):
        if np.abs(np.sort(staged[row]) - ordered).max() <= LEVEL / 4:
            return int(row)
    return None


def _whole(levels: np.ndarray) -> np.ndarray:
    """Levels as whole numbers; the shift keeps noise of the rescaling from moving one over the boundary."""
    return np.asarray(levels * 255 + fingerprint.SHIFT, dtype=np.int16)


@cache
def _axis_orders() -> tuple[np.ndarray, ...]:
    """Every order that viewing an image with up to four axes, and exchanging these, can make of its pixels."""
    found: dict[bytes, np.ndarray] = {}
    for shape in _shapes(fingerprint.PIXELS, MAX_AXES):
        pixels = np.arange(fingerprint.PIXELS, dtype=np.int64).reshape(shape)
        for axes in permutations(range(len(shape))):
            order = pixels.transpose(axes).reshape(-1)
            found.setdefault(order.tobytes(), order)
    return tuple(found.values())


def _shapes(size: int, axes: int) -> Iterator[tuple[int, ...]]:
    """The ways to write `size` as a product of up to `axes` factors greater than one."""
    if size > 1:
        yield (size,)
    if axes > 1:
        for first in range(2, size // 2 + 1):
            if size % first == 0:
                for rest in _shapes(size // first, axes - 1):
                    yield (first, *rest)
