# kind: module
# style: an annotated Trainer class, momentum, a no_grad pass over the training set each epoch for the train accuracy
from __future__ import annotations

from collections import defaultdict

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import plot_filters, read_npz


class ConvNet(nn.Module):
    """28x28 -> conv(10, 8x8, stride 2) -> ReLU -> dense(10)."""

    def __init__(self, channels: int = 10, kernel: int = 8, stride: int = 2, classes: int = 10) -> None:
        super().__init__()
        side = (28 - kernel) // stride + 1
        self.conv = nn.Conv2d(in_channels=1, out_channels=channels, kernel_size=kernel, stride=stride, padding=0)
        self.act = nn.ReLU()
        self.out = nn.Linear(channels * side * side, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        v_1 = self.act(z_1)
        return self.out(v_1.flatten(start_dim=1)), z_1, v_1


class Trainer:
    def __init__(self, model: ConvNet, train: DataLoader, test: DataLoader, lr: float = 0.01) -> None:
        self.model = model
        self.train_loader = train
        self.test_loader = test
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)
        self.history: dict[str, list[float]] = defaultdict(list)

    @staticmethod
    def one_hot(y: Tensor) -> Tensor:
        return nn.functional.one_hot(y, num_classes=10).to(torch.float32)

    def _train_epoch(self) -> float:
        self.model.train()
        total, count = 0.0, 0
        for x, y in self.train_loader:
            y_hat, _, _ = self.model(x)
            loss = self.loss(y_hat, self.one_hot(y))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        return total / count

    @torch.no_grad()
    def _evaluate(self, loader: DataLoader) -> tuple[float, float]:
        self.model.eval()
        total, correct, count = 0.0, 0, 0
        for x, y in loader:
            y_hat, *_ = self.model(x)
            total += self.loss(y_hat, self.one_hot(y)).item() * len(y)
            correct += int((y_hat.argmax(dim=1) == y).sum())
            count += len(y)
        return total / count, correct / count

    def fit(self, epochs: int) -> dict[str, list[float]]:
        for epoch in range(1, epochs + 1):
            running = self._train_epoch()
            train_loss, train_acc = self._evaluate(self.train_loader)
            test_loss, test_acc = self._evaluate(self.test_loader)
            self.history["running"].append(running)
            self.history["train"].append(train_loss)
            self.history["test"].append(test_loss)
            print(
                f"Epoch {epoch:>2}/{epochs} | running loss {running:.4f} | train loss {train_loss:.4f} acc {train_acc:.4f}"
                f" | test loss {test_loss:.4f} acc {test_acc:.4f}"
            )
        return self.history


def main() -> None:
    torch.manual_seed(2024)
    x_train, y_train = read_npz("data/train.npz")
    x_test, y_test = read_npz("data/test.npz")
    print(f"Train: X {tuple(x_train.shape)}, Y {tuple(y_train.shape)}")
    print(f"Test:  X {tuple(x_test.shape)}, Y {tuple(y_test.shape)}")

    trainer = Trainer(
        ConvNet(),
        DataLoader(TensorDataset(x_train, y_train), batch_size=30, shuffle=True, num_workers=0),
        DataLoader(TensorDataset(x_test, y_test), batch_size=500, num_workers=0),
    )
    history = trainer.fit(10)

    for name, values in history.items():
        plt.plot(range(1, 11), values, label=name)
    plt.xlabel("epoch")
    plt.ylabel("cross entropy")
    plt.legend()
    plt.show()

    with torch.no_grad():
        _, z_1, v_1 = trainer.model(x_test[:1])
    plot_filters(x_test[0], trainer.model.conv.weight, z_1, v_1)


if __name__ == "__main__":
    main()
