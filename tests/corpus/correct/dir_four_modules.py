# kind: folder
# style: data.py (beside the folder data/), model.py, train.py and a short main.py; annotated, tidy
# file: data.py
"""Reading the archives and cutting them into batches."""
from collections.abc import Iterator

import torch
from torch import Tensor

from helper_functions import read_npz


class Split:
    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self.X, self.Y = read_npz(path)
        self.T = torch.nn.functional.one_hot(self.Y, 10).float()

    def __len__(self) -> int:
        return len(self.Y)

    def show(self) -> None:
        print(f"{self.name}: X {tuple(self.X.shape)}, Y {tuple(self.Y.shape)}")

    def batches(self, size: int, shuffle: bool = False) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        order = torch.randperm(len(self)) if shuffle else torch.arange(len(self))
        for rows in order.split(size):
            yield self.X[rows], self.Y[rows], self.T[rows]
# file: model.py
"""The network of question 2."""
from torch import Tensor, nn


class CNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.relu = nn.ReLU()
        self.dense = nn.Linear(1210, 10)

    def activations(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        return z_1, self.relu(z_1)

    def forward(self, x: Tensor) -> Tensor:
        _, v_1 = self.activations(x)
        return self.dense(v_1.flatten(1))
# file: train.py
"""The two phases of an epoch."""
import torch
from torch import nn

from data import Split
from helper_functions import hits


def train_phase(model: nn.Module, loss_fn: nn.Module, optimizer: torch.optim.Optimizer, split: Split, batch_size: int) -> tuple[float, float]:
    model.train()
    total, correct = 0.0, 0
    for x, y, t in split.batches(batch_size, shuffle=True):
        y_hat = model(x)
        loss = loss_fn(y_hat, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        correct += hits(y_hat, y)
    return total / len(split), correct / len(split)


@torch.no_grad()
def test_phase(model: nn.Module, loss_fn: nn.Module, split: Split, batch_size: int) -> tuple[float, float]:
    model.eval()
    total, correct = 0.0, 0
    for x, y, t in split.batches(batch_size):
        y_hat = model(x)
        total += loss_fn(y_hat, t).item() * len(y)
        correct += hits(y_hat, y)
    return total / len(split), correct / len(split)
# file: main.py
import matplotlib.pyplot as plt
import torch
from torch import nn

from data import Split
from helper_functions import plot_filters
from model import CNN
from train import test_phase, train_phase

EPOCHS, BATCH_SIZE, LEARNING_RATE = 10, 30, 0.01


def main() -> None:
    torch.manual_seed(0)
    train, test = Split("data/train.npz", "Train"), Split("data/test.npz", "Test")
    train.show()
    test.show()

    model = CNN()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    for epoch in range(1, EPOCHS + 1):
        train_loss, train_acc = train_phase(model, loss_fn, optimizer, train, BATCH_SIZE)
        test_loss, test_acc = test_phase(model, loss_fn, test, BATCH_SIZE)
        print(f"Epoch {epoch}: train loss {train_loss:.4f} acc {train_acc:.4f}, test loss {test_loss:.4f} acc {test_acc:.4f}")

    image = test.X[0]
    with torch.no_grad():
        z_1, v_1 = model.activations(image)
    plot_filters(image, model.conv.weight, z_1, v_1)
    plt.savefig("filters.png")


if __name__ == "__main__":
    main()
