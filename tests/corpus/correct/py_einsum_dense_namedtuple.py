# kind: module
# style: nn.Parameter and einsum for the dense layer, forward returns a NamedTuple, inference_mode as a decorator
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import hits, plot_filters, read_npz


class Activations(NamedTuple):
    logits: Tensor
    z: Tensor
    v: Tensor


class EinsumNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.empty(10, 1, 8, 8))
        self.filter_bias = nn.Parameter(torch.zeros(10))
        self.dense = nn.Parameter(torch.empty(10, 10 * 11 * 11))
        self.dense_bias = nn.Parameter(torch.zeros(10))
        nn.init.kaiming_uniform_(self.filters, nonlinearity="relu")
        nn.init.normal_(self.dense, std=1210 ** -0.5)

    def forward(self, x: Tensor) -> Activations:
        images = x.reshape(-1, 1, 28, 28)
        z = F.conv2d(images, self.filters, self.filter_bias, stride=(2, 2))
        v = z.relu()
        u = v.flatten(start_dim=1)
        logits = torch.einsum("ni,ki->nk", u, self.dense) + self.dense_bias
        return Activations(logits, z, v)


@torch.inference_mode()
def test(model: EinsumNet, loader: DataLoader, criterion: nn.Module) -> tuple[float, float]:
    loss, correct, n = 0.0, 0, 0
    for x, y in loader:
        out = model(x)
        loss += criterion(out.logits, F.one_hot(y, 10).type_as(out.logits)).item() * len(y)
        correct += hits(out.logits, y)
        n += len(y)
    return loss / n, correct / n


def train(model: EinsumNet, loader: DataLoader, criterion: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    losses = []
    for x, y in loader:
        out = model(x)
        loss = criterion(out.logits, F.one_hot(y, 10).type_as(out.logits))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def main() -> int:
    train_x, train_y = read_npz("data/train.npz")
    test_x, test_y = read_npz("data/test.npz")
    print(f"{train_x.shape=} {train_y.shape=}")
    print(f"{test_x.shape=} {test_y.shape=}")
    if train_x.shape[1] != 784:
        print("unexpected number of pixels")
        return 1

    torch.manual_seed(5)
    model = EinsumNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    train_loader = DataLoader(TensorDataset(train_x, train_y), 30, shuffle=True)
    test_loader = DataLoader(TensorDataset(test_x, test_y), 100)

    for epoch in range(1, 11):
        train_loss = train(model, train_loader, criterion, optimizer)
        test_loss, test_accuracy = test(model, test_loader, criterion)
        print(f"{epoch=} {train_loss=:.4f} {test_loss=:.4f} {test_accuracy=:.4f}")

    x = test_x[0]
    with torch.no_grad():
        result = model(x)
    plot_filters(x, model.filters, result.z, result.v)
    plt.savefig("question4.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
