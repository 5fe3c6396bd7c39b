"""Names of images: a batch that is known is not read again, and one that has changed is never taken for known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from grader.recorder import fingerprint, names
from grader.recorder.names import Names
from tests.recorder.images import make_images

IMAGES = make_images(12, 3)[0].reshape(12, 784).astype(np.float32)
KEYS = fingerprint.keys(fingerprint.sample(IMAGES))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each reading took, as readings happen."""
    found: list[int] = []
    grid_of = names.grid_of

    def counted(images: torch.Tensor) -> np.ndarray:
        grid = grid_of(images)
        found.append(len(grid))
        return grid

    monkeypatch.setattr(names, "grid_of", counted)
    return found


def epoch(book: Names, images: torch.Tensor, size: int = 4) -> list[int]:
    """The keys of all images, batch by batch, each through a view of `images` (N, 784)."""
    for start in range(0, len(images), size):
        assert book.see(images[start : start + size].reshape(-1, 1, 28, 28)) == size
    return book.take().tolist()


def test_an_epoch_of_known_views_is_not_read_again(reads: list[int]) -> None:
    """The second epoch over slices of one tensor has the names of the first, without a look at the pixels."""
    book, images = Names(), torch.from_numpy(IMAGES.copy())
    assert epoch(book, images) == KEYS.tolist()
    assert reads == [4, 4, 4]
    assert epoch(book, images) == KEYS.tolist()
    assert reads == [4, 4, 4]


def test_known_views_are_read_again_now_and_then(reads: list[int]) -> None:
    """One in so many known batches is read all the same."""
    book, images = Names(), torch.from_numpy(IMAGES.copy())
    for _ in range(1 + names.READ_AGAIN):
        assert epoch(book, images) == KEYS.tolist()
    assert len(reads) == 3 + 3


CHANGES: dict[str, Callable[[torch.Tensor, np.ndarray], torch.Tensor]] = {
    "in place by torch": lambda images, order: images.copy_(images[order]),
    "in place by numpy": lambda images, order: torch.from_numpy(_shuffled(images.numpy(), order)),
    "another tensor": lambda images, order: images[order],
}


def _shuffled(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    images[:] = images[order]
    return images


@pytest.mark.parametrize("change", CHANGES)
def test_shuffled_images_get_their_own_names(change: str) -> None:
    """However the images were put in another order between two epochs, every batch has the names of what it shows."""
    book, images, order = Names(), torch.from_numpy(IMAGES.copy()), np.arange(12)[::-1].copy()
    epoch(book, images)
    # The same tensor, where numpy changes the memory behind it.
    shuffled = CHANGES[change](images, order)
    if change == "in place by numpy":
        shuffled = images
    assert epoch(book, shuffled) == KEYS[order].tolist()
    assert epoch(book, shuffled) == KEYS[order].tolist()


def test_a_buffer_that_is_filled_again_and_again() -> None:
    """Batches that numpy copies into the same memory are all named by what they show."""
    book, buffer = Names(), np.zeros((4, 784), dtype=np.float32)
    images = torch.from_numpy(buffer)
    found: list[int] = []
    for _ in range(3):
        for start in range(0, 12, 4):
            buffer[:] = IMAGES[start : start + 4]
            book.see(images.view(-1, 1, 28, 28))
            found += book.take().tolist()
    assert found == KEYS.tolist() * 3


def test_another_arrangement_of_the_same_memory_is_another_batch() -> None:
    """Images turned by a transposed view lie where the others lie, and have other names."""
    book, images = Names(), torch.from_numpy(IMAGES.copy())
    epoch(book, images)
    turned = images[:4].reshape(-1, 1, 28, 28).transpose(2, 3)
    book.see(turned)
    expected = fingerprint.keys(fingerprint.sample(turned.contiguous().numpy()))
    assert book.take().tolist() == expected.tolist() != KEYS[:4].tolist()


def test_inference_mode_and_other_types() -> None:
    """Inference tensors, float64 and uint8 have the same names as float32, in the first epoch and in the second."""
    for kind in (torch.float64, torch.uint8, torch.float32):
        book, images = Names(), torch.from_numpy((IMAGES * 255).round()).to(kind)
        for _ in range(2):
            with torch.inference_mode():
                assert epoch(book, images) == epoch(book, images.clone()) == KEYS.tolist()
            assert epoch(book, images) == KEYS.tolist()
