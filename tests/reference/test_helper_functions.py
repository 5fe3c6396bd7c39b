"""The script that every student is given keeps the interface that the practical describes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    """Each test starts and ends without open figures."""
    plt.close("all")
    yield
    plt.close("all")


def archive(path: Path, dtype: type[np.generic]) -> Path:
    """Three images and their one-hot classes 7, 0, 9."""
    images = np.linspace(0, 1, 3 * 784).reshape(3, 784).astype(dtype)
    np.savez(path, X=images, Y=np.eye(10, dtype=dtype)[[7, 0, 9]])
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_read_npz_gives_float_images_and_class_indices(
    helpers: ModuleType, tmp_path: Path, dtype: type[np.generic]
) -> None:
    """X is float32 (N, 784) as stored and Y is int64 (N,), the one-hot rows' classes."""
    X, Y = helpers.read_npz(archive(tmp_path / "train.npz", dtype))

    assert X.shape == (3, 784)
    assert X.dtype == torch.float32
    assert X[0, 0] == 0
    assert X[2, 783] == 1
    assert Y.dtype == torch.int64
    assert Y.tolist() == [7, 0, 9]


def test_read_npz_takes_a_string(helpers: ModuleType, tmp_path: Path) -> None:
    """A student names the file as a string."""
    X, _ = helpers.read_npz(str(archive(tmp_path / "test.npz", np.float32)))
    assert len(X) == 3


def test_hits_counts_correct_predictions(helpers: ModuleType) -> None:
    """The class with the highest score is the prediction, and the count is a plain int."""
    y_hat = torch.tensor([[0.1, 0.9, 0.0], [2.0, -1.0, 0.0], [0.0, 0.0, 5.0]])
    count = helpers.hits(y_hat, torch.tensor([1, 2, 2]))

    assert count == 2
    assert type(count) is int


def test_hits_of_one_image(helpers: ModuleType) -> None:
    """One image's scores, (1, 10), compare with its class, a tensor without dimensions."""
    assert helpers.hits(torch.eye(10)[3:4], torch.tensor(3)) == 1


@pytest.mark.parametrize("one_image", [(784,), (1, 784), (1, 1, 28, 28)])
def test_plot_filters_shows_image_filter_and_maps_of_each_column(
    helpers: ModuleType, one_image: tuple[int, ...]
) -> None:
    """The figure has the rows input, filter, z_1, v_1 and a column a filter, each holding what was handed over."""
    torch.manual_seed(0)
    X, H, z_1 = torch.rand(one_image), torch.rand(10, 1, 8, 8), torch.randn(1, 10, 11, 11)
    v_1 = z_1.relu()

    helpers.plot_filters(X, H, z_1, v_1)

    shown = [np.asarray(axes.get_images()[0].get_array()) for axes in plt.gcf().axes]
    assert len(shown) == 40
    for column in range(10):
        np.testing.assert_array_equal(shown[column], X.reshape(28, 28))
        np.testing.assert_array_equal(shown[10 + column], H[column, 0])
        np.testing.assert_array_equal(shown[20 + column], z_1[0, column])
        np.testing.assert_array_equal(shown[30 + column], v_1[0, column])


def test_plot_filters_takes_tensors_that_require_gradients(helpers: ModuleType) -> None:
    """A convolution's weight and its output can be plotted as they come, for any stride."""
    convolution = torch.nn.Conv2d(1, 4, 8, stride=1)
    X = torch.rand(784)
    z_1 = convolution(X.reshape(1, 1, 28, 28))

    helpers.plot_filters(X, convolution.weight, z_1, z_1.relu())

    assert len(plt.gcf().axes) == 16
