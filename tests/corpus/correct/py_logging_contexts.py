# kind: module
# style: logging to stderr, context managers for training and evaluating, no print at all
import contextlib
import logging
import time
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import hits, plot_filters, read_npz

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logging.getLogger("matplotlib").setLevel(logging.WARNING)
logger = logging.getLogger("practical5")


class MNISTNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_block = nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 10, 8, 2))
        self.relu = nn.ReLU()
        self.classify = nn.Sequential(nn.Flatten(), nn.Linear(1210, 10))

    def forward(self, x, with_maps=False):
        z = self.conv_block(x)
        v = self.relu(z)
        y_hat = self.classify(v)
        if with_maps:
            return y_hat, z, v
        return y_hat


@dataclass
class Meter:
    loss: float = 0.0
    correct: int = 0
    count: int = 0
    started: float = field(default_factory=time.perf_counter)

    def add(self, loss, y_hat, y):
        self.loss += loss.item() * len(y)
        self.correct += hits(y_hat, y)
        self.count += len(y)

    def __str__(self):
        seconds = time.perf_counter() - self.started
        return f"loss={self.loss / self.count:.4f} accuracy={self.correct / self.count:.4f} ({seconds:.1f}s)"


@contextlib.contextmanager
def training(model):
    model.train()
    with torch.enable_grad():
        yield Meter()


@contextlib.contextmanager
def evaluating(model):
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield Meter()
    finally:
        model.train(was_training)


def main():
    X_train, Y_train = read_npz("data/train.npz")
    X_test, Y_test = read_npz("data/test.npz")
    logger.info("train: X %s, Y %s", tuple(X_train.shape), tuple(Y_train.shape))
    logger.info("test: X %s, Y %s", tuple(X_test.shape), tuple(Y_test.shape))

    train_loader = DataLoader(TensorDataset(X_train, Y_train), batch_size=30, shuffle=True)
    test_loader = DataLoader(TensorDataset(X_test, Y_test), batch_size=30)
    identity = torch.eye(10)

    model = MNISTNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    for epoch in range(1, 11):
        with training(model) as meter:
            for x, y in train_loader:
                optimizer.zero_grad()
                y_hat = model(x)
                loss = criterion(y_hat, identity[y])
                loss.backward()
                optimizer.step()
                meter.add(loss, y_hat, y)
        logger.info("epoch %d train %s", epoch, meter)

        with evaluating(model) as meter:
            for x, y in test_loader:
                y_hat = model(x)
                meter.add(criterion(y_hat, identity[y]), y_hat, y)
        logger.info("epoch %d test %s", epoch, meter)

    with evaluating(model):
        _, z_1, v_1 = model(X_test[:1], with_maps=True)
    plot_filters(X_test[0], model.conv_block[1].weight, z_1, v_1)
    plt.savefig("filters.png")
    logger.info("filters saved")


if __name__ == "__main__":
    main()
