"""Pixels in another order: proved by the recorded batches, and never believed of images that are merely unknown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from grader.verify.recognise import Recognised, recognise
from grader.verify.result import BATCH_SCRAMBLED, SCRAMBLED
from tests.recorder.images import make_images
from tests.verify.traces import CNN, IMAGES, INDEX, batch, one_hot, record_step

SHUFFLED = torch.from_numpy(np.random.default_rng(5).permutation(784))

WITHIN: dict[str, Callable[[Tensor], Tensor]] = {
    "columns interleaved": lambda x: x.view(-1, 28, 14, 2).permute(0, 3, 1, 2),
    "blocks exchanged": lambda x: x.view(-1, 4, 7, 4, 7).permute(0, 3, 1, 2, 4),
    "any order": lambda x: x.reshape(-1, 784)[:, SHUFFLED],
    "rescaled besides": lambda x: (x.view(-1, 7, 112).transpose(1, 2) - 0.1307) / 0.3081,
}
ACROSS: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda x: x.reshape(-1, 784).T,
    "batch last": lambda x: x.reshape(28, 28, -1).permute(2, 0, 1),
    "batch in the middle": lambda x: x.reshape(28, -1, 28).permute(1, 0, 2),
    "rescaled besides": lambda x: x.reshape(-1, 784).T * 2 - 1,
}
# What no single order of pixels explains.
OTHER: dict[str, Callable[[Tensor], Tensor]] = {
    "an order for each image": lambda x: torch.stack([image.flatten()[torch.randperm(784)] for image in x]),
    "noise": lambda x: x + 0.2 * torch.rand_like(x),
    "images of another data set": lambda x: torch.from_numpy(make_images(len(x), 99)[0]),
    "every image the mean of two": lambda x: (x + x.roll(1, 0)) / 2,
    "some shifted by a pixel": lambda x: torch.stack([image.roll(n % 3 + 1, -1) for n, image in enumerate(x)]),
}


def recognised(data: Tensor) -> Recognised:
    """What is made of the evidence of one batch (N, ...) of images."""
    images = data.reshape(-1, 1, 28, 28).contiguous()
    return recognise(record_step(CNN(), data=images, targets=one_hot(range(len(images)))), INDEX)


@pytest.mark.parametrize("way", WITHIN)
def test_one_order_for_all_images_is_found(way: str) -> None:
    """The images are known again, and laid out as the program does it."""
    data = WITHIN[way](batch()).reshape(30, 784)
    found = recognised(data)
    assert (found.layout, found.rows.tolist()) == (SCRAMBLED, list(range(30)))
    assert found.arrange is not None
    arranged = found.arrange(IMAGES.all[:30].reshape(-1, 28, 28)).reshape(-1)
    assert np.corrcoef(arranged, data.flatten().numpy())[0, 1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("way", ACROSS)
def test_pixels_of_several_images_in_one_are_found(way: str) -> None:
    """The images of such a batch are nobody's."""
    found = recognised(ACROSS[way](batch()))
    assert (found.layout, found.arrange) == (BATCH_SCRAMBLED, None)
    assert set(found.rows.tolist()) == {-1}


@pytest.mark.parametrize("way", OTHER)
def test_other_images_are_left_alone(way: str) -> None:
    """Noise, another data set and augmentation are no order of pixels."""
    torch.manual_seed(0)
    found = recognised(OTHER[way](batch()))
    assert (found.layout, found.arrange) == ("unknown", None)


def test_two_images_prove_nothing() -> None:
    """An order is believed from three images on."""
    assert recognised(WITHIN["any order"](batch(range(2)))).layout == "unknown"


def test_the_plain_layout_needs_no_proof() -> None:
    """Images that their keys name are not compared any further, be there few or many."""
    assert recognised(batch()).layout == "identity"
