"""The offline digits: the same everywhere, clean, and about as hard as MNIST."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

Digits = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]
SHA256 = "c082bfa97833a2f6d02410a9ad9b77640fb399569f70c7dadff99c208c265daf"


@pytest.fixture(scope="module")
def digits(load: Callable[[str], ModuleType]) -> Digits:
    """The whole set, made once."""
    made: Digits = load("digits.py").make_digits()
    return made


def test_has_the_practicals_shapes(digits: Digits) -> None:
    """12,000 and 2,000 float32 rows of 784 pixels, with int64 labels from 0 to 9."""
    X_train, y_train, X_test, y_test = digits

    assert X_train.shape == (12_000, 784)
    assert X_test.shape == (2_000, 784)
    assert X_train.dtype == X_test.dtype == np.float32
    assert y_train.shape == (12_000,)
    assert y_test.shape == (2_000,)
    assert y_train.dtype == y_test.dtype == np.int64
    assert set(y_train) == set(y_test) == set(range(10))


def test_is_the_set_that_the_baselines_were_measured_on(digits: Digits) -> None:
    """Every pixel and label is the same on every machine, so that grades can be compared."""
    content = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in digits))
    assert content.hexdigest() == SHA256


def test_classes_are_balanced(digits: Digits) -> None:
    """No class is rarer than 9% or more frequent than 11% of the training images."""
    shares = np.bincount(digits[1]) / len(digits[1])
    assert shares.min() > 0.09
    assert shares.max() < 0.11


def test_no_image_occurs_twice(digits: Digits) -> None:
    """All 14,000 images differ: nothing of the test set can be learned by heart."""
    images = np.concatenate([digits[0], digits[2]])
    assert len({image.tobytes() for image in images}) == 14_000


def test_grey_values_are_those_of_eight_bits(digits: Digits) -> None:
    """Each pixel is v/255 for a whole v from 0 to 255, and both ends occur."""
    steps = digits[2] * 255
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    assert steps.min() == 0
    assert steps.max() == 255


def test_background_is_black_and_every_image_has_ink(digits: Digits) -> None:
    """As in MNIST most pixels are exactly 0, at the image's edge nearly all, and no image is empty."""
    images = digits[0].reshape(-1, 28, 28)
    assert 0.7 < (images == 0).mean() < 0.85
    assert (images[:, [0, -1]] == 0).mean() > 0.95
    assert (images.max(axis=(1, 2)) > 0.4).all()


def test_digits_are_upright_and_centred(digits: Digits) -> None:
    """The mean image of a class has its ink around the middle, and a 7 has more of it above than below."""
    X_train, y_train, _, _ = digits
    means = np.stack([X_train[y_train == digit].mean(axis=0).reshape(28, 28) for digit in range(10)])
    rows = (means.sum(axis=2) * np.arange(28)).sum(axis=1) / means.sum(axis=(1, 2))
    columns = (means.sum(axis=1) * np.arange(28)).sum(axis=1) / means.sum(axis=(1, 2))
    assert np.abs(rows - 13.5).max() < 3
    assert np.abs(columns - 13.5).max() < 3
    assert means[7, :14].sum() > means[7, 14:].sum()
