"""Which image is it? Keys of whole and rearranged images against the trusted copy."""

from __future__ import annotations

import numpy as np
import pytest

from grader.recorder import fingerprint
from grader.verify.rows import LAYOUTS, Images, RowIndex
from tests.recorder.images import TEST, TRAIN, make_images
from tests.verify.traces import IMAGES, INDEX


def keys_of(images: np.ndarray) -> np.ndarray:
    return fingerprint.keys(fingerprint.sample(images))


def test_numbering() -> None:
    """Training images come first, then the test images."""
    found, layout = INDEX.match(keys_of(IMAGES.all[[0, TRAIN - 1, TRAIN, TRAIN + TEST - 1]]))
    assert (found.tolist(), layout) == ([0, TRAIN - 1, TRAIN, TRAIN + TEST - 1], "identity")


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layouts(layout: str) -> None:
    """A program that turns, mirrors, inverts or pads its images is found out, and its images are still known."""
    order = np.random.default_rng(0).permutation(TRAIN)
    arranged = LAYOUTS[layout](IMAGES.train[order].reshape(-1, 28, 28))
    found, name = INDEX.match(keys_of(arranged[:, None]))
    assert (found.tolist(), name) == (order.tolist(), layout)


def test_rescaled_and_arranged() -> None:
    """Normalised and transposed at once is still the transposed image."""
    arranged = (IMAGES.train.reshape(-1, 28, 28).transpose(0, 2, 1) - np.float32(0.1307)) / np.float32(0.3081)
    assert INDEX.match(keys_of(arranged[:, None]))[1] == "transposed"


def test_unknown_images() -> None:
    """Images that are nobody's are -1, and have no layout."""
    found, layout = INDEX.match(keys_of(make_images(50, 99)[0]))
    assert (set(found.tolist()), layout) == ({-1}, "unknown")


def test_some_unknown_images() -> None:
    """A few images of another source (augmented, made up) do not hide the others."""
    found, layout = INDEX.match(np.concatenate([keys_of(IMAGES.train[:40]), keys_of(make_images(20, 99)[0])]))
    assert layout == "identity"
    assert found.tolist() == [*range(40), *[-1] * 20]


def test_nothing_to_match() -> None:
    """No key at all is no error."""
    found, layout = INDEX.match(np.zeros(0, dtype=np.uint64))
    assert (len(found), layout) == (0, "unknown")


def test_many_keys() -> None:
    """A long run is matched whole, although only a sample of it decides on the layout."""
    found, layout = INDEX.match(np.tile(keys_of(IMAGES.train), 50))
    assert layout == "identity"
    assert np.array_equal(found, np.tile(np.arange(TRAIN), 50))


def test_labels_follow_the_numbering() -> None:
    """Labels and images of both splits are joined in the same order."""
    assert np.array_equal(IMAGES.labels[TRAIN:], IMAGES.test_labels)
    assert np.array_equal(IMAGES.all[TRAIN:], IMAGES.test)


def test_same_image_twice() -> None:
    """An image that the data has twice is one of the two, in every layout the same."""
    twice = Images(
        np.concatenate([IMAGES.train[:5], IMAGES.train[:5]]), np.arange(10) % 10, IMAGES.test, IMAGES.test_labels
    )
    found, _ = RowIndex(twice).match(keys_of(twice.train))
    assert found.tolist() == [0, 1, 2, 3, 4] * 2
