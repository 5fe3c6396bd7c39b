"""The reference CNN is the practical's, and its training is the correct loop."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor

Data = tuple[Tensor, Tensor, Tensor, Tensor]


@pytest.fixture(scope="module")
def data() -> Data:
    """100 training and 40 test images: noise, with a bright row that tells the class."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, 10, (140,), generator=generator)
    images = 0.2 * torch.rand(140, 28, 28, generator=generator)
    images[torch.arange(140), 4 + 2 * labels] = 1.0
    rows = images.reshape(140, 784)
    return rows[:100], labels[:100], rows[100:], labels[100:]


@pytest.mark.parametrize(("shape", "images"), [((784,), 1), ((1, 784), 1), ((5, 784), 5)])
def test_forward_takes_one_image_or_many(model: ModuleType, shape: tuple[int, ...], images: int) -> None:
    """x may be (784,) or (N, 784); the logits are (N, 10) and no probabilities."""
    logits = model.ReferenceCNN()(torch.rand(shape))
    assert logits.shape == (images, 10)
    assert not torch.allclose(logits.sum(dim=1), torch.ones(images))


def test_layers_are_those_of_the_table(model: ModuleType) -> None:
    """Ten 8x8 kernels with stride 2 and no padding, and a dense layer 1210 -> 10."""
    cnn = model.ReferenceCNN()
    assert cnn.convolution.weight.shape == (10, 1, 8, 8)
    assert cnn.convolution.stride == (2, 2)
    assert cnn.convolution.padding == (0, 0)
    assert cnn.dense.weight.shape == (10, 1210)


def test_training_is_plain_sgd_in_stored_order(model: ModuleType, data: Data) -> None:
    """The trained weights are those of a loop by hand: mean cross entropy of batches of 30, p -= lr * gradient."""
    trained, _ = model.train_reference(*data, seed=9, epochs=2)
    by_hand, _ = model.train_reference(*data, seed=9, epochs=0)
    for _ in range(2):
        for start in range(0, 100, 30):
            log_p = by_hand(data[0][start : start + 30]).log_softmax(dim=1)
            loss = -log_p.gather(1, data[1][start : start + 30, None]).mean()
            gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                    parameter -= 0.01 * gradient

    for one, other in zip(trained.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_metrics_of_each_epoch_are_returned_and_announced(model: ModuleType, data: Data) -> None:
    """`on_epoch` hears 1, 2, ... with the metrics that are returned; the last are the returned model's own."""
    heard: list[tuple[int, dict[str, float]]] = []
    trained, history = model.train_reference(*data, seed=0, epochs=3, on_epoch=lambda *epoch: heard.append(epoch))

    assert heard == list(enumerate(history, start=1))
    assert set(history[0]) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
    assert history[2]["train_loss"] < history[0]["train_loss"]
    with torch.no_grad():
        right = trained(data[2]).argmax(dim=1) == data[3]
    assert history[2]["test_accuracy"] == pytest.approx(right.double().mean().item())


def test_it_learns(model: ModuleType, data: Data) -> None:
    """Ten epochs of larger steps solve an easy problem."""
    _, history = model.train_reference(*data, seed=0, epochs=10, learning_rate=0.1)
    assert history[-1]["test_accuracy"] > 0.9


def test_the_seed_decides_and_nothing_else_does(model: ModuleType, data: Data) -> None:
    """Equal seeds give equal runs, other seeds others, and torch's global generator stays as it was."""
    torch.manual_seed(1)
    _, first = model.train_reference(*data, seed=5, epochs=1)
    drawn = torch.rand(3)
    _, again = model.train_reference(*data, seed=5, epochs=1)
    _, other = model.train_reference(*data, seed=6, epochs=1)

    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(3))
    assert first == again
    assert first != other
