"""Keys of images: the same for whatever a program does to a whole image, another for another image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.recorder import fingerprint
from reference.digits import make_digits
from tests.recorder.images import make_images

IMAGES = make_images(60, 7)[0]
KEYS = fingerprint.keys(fingerprint.sample(IMAGES))


def keys_of(images: np.ndarray) -> np.ndarray:
    return fingerprint.keys(fingerprint.sample(images).astype(np.float32))


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28), (-1, 1, 28, 28)], ids=str)
def test_views_and_copies(shape: tuple[int, ...]) -> None:
    """The shape in which images come, and a copy of them, change no key."""
    assert np.array_equal(keys_of(IMAGES.reshape(shape).copy()), KEYS)


def test_one_image_without_batch() -> None:
    """One image alone, (784,) or (28, 28), has the key that it has in a batch."""
    assert keys_of(IMAGES[3]).tolist() == keys_of(IMAGES[3].reshape(28, 28)).tolist() == [KEYS[3]]


def test_channel_first_without_batch() -> None:
    """One image as (1, 28, 28) has its key too."""
    assert keys_of(IMAGES[3].reshape(1, 28, 28)).tolist() == [KEYS[3]]


def test_non_contiguous() -> None:
    """A strided slice, as `X[::2]` is, has the keys of its rows."""
    assert np.array_equal(keys_of(IMAGES[::2]), KEYS[::2])


@given(st.permutations(range(len(IMAGES))))
@settings(max_examples=20, deadline=None)
def test_shuffle(order: list[int]) -> None:
    """Keys go with their images, whatever the order and the batch."""
    assert np.array_equal(keys_of(IMAGES[order]), KEYS[order])


@given(st.floats(2**-7, 1024, width=32), st.floats(-100, 100, width=32))
@settings(max_examples=60, deadline=None)
def test_affine_rescaling(scale: float, shift: float) -> None:
    """Scaling and shifting in single precision, as normalisation does, changes no key.

    The shift is in units of the scaled range: beyond a hundredfold, single precision itself loses grey levels.
    """
    made = (IMAGES * np.float32(scale) + np.float32(shift * scale * 0.1)).astype(np.float32)
    assert np.array_equal(keys_of(made), KEYS)


@pytest.mark.parametrize(("mean", "deviation"), [(0.1307, 0.3081), (0.5, 0.5), (33.3, 78.6)], ids=str)
def test_usual_normalisations(mean: float, deviation: float) -> None:
    """The constants that MNIST tutorials use, on pixels of 0..1 and of 0..255."""
    unit = 255 if mean > 1 else 1
    made = (IMAGES * np.float32(unit) - np.float32(mean)) / np.float32(deviation)
    assert np.array_equal(keys_of(made), KEYS)


def test_bytes() -> None:
    """uint8 pixels have the keys of the same image in [0, 1]."""
    assert np.array_equal(keys_of(np.rint(IMAGES * 255).astype(np.uint8)), KEYS)


def test_double_precision() -> None:
    """float64 images have the same keys."""
    assert np.array_equal(fingerprint.keys(fingerprint.sample(IMAGES.astype(np.float64) / 3)), KEYS)


@pytest.mark.parametrize("change", ["transposed", "flipped", "negated", "squared"])
def test_other_pictures_have_other_keys(change: str) -> None:
    """A transposed, flipped, negated or non-linearly changed image is another picture."""
    square = IMAGES.reshape(-1, 28, 28)
    made = {
        "transposed": square.transpose(0, 2, 1),
        "flipped": square[:, ::-1],
        "negated": -square,
        "squared": square**2,
    }[change]
    assert (keys_of(made) != KEYS).all()


def test_flat_and_broken_images() -> None:
    """Images without contrast and images that are no numbers have a key and raise no error."""
    odd = np.stack([np.zeros(784), np.ones(784), np.full(784, np.nan), np.full(784, np.inf)]).astype(np.float32)
    found = keys_of(odd)
    assert found.dtype == np.uint64
    assert found[0] == found[1]


def test_sample_is_a_copy() -> None:
    """A program that overwrites its batch afterwards does not change what was sampled."""
    batch = IMAGES[:3].copy()
    sampled = fingerprint.sample(batch)
    batch[:] = 0
    assert np.array_equal(fingerprint.keys(sampled), KEYS[:3])


def test_padded_images_have_a_grid() -> None:
    """Images of another size, as padding makes them, are sampled too."""
    padded = np.pad(IMAGES.reshape(-1, 1, 28, 28), ((0, 0), (0, 0), (2, 2), (2, 2)))
    assert keys_of(padded).shape == KEYS.shape


def test_every_digit_has_its_own_key() -> None:
    """No two of the 14,000 offline digits share a key."""
    train, _, test, _ = make_digits()
    found = keys_of(np.concatenate([train, test]))
    assert len(np.unique(found)) == len(found) == 14_000
