# kind: folder
# style: an event engine with a decorator registry, a timing decorator and context manager, the handlers are closures in main.py
# file: engine.py
from collections import defaultdict


class Engine:
    """Calls process(batch) for each batch, and the handlers that were registered with @engine.on(event)."""

    def __init__(self, process):
        self.process = process
        self.handlers = defaultdict(list)
        self.epoch = 0
        self.outputs = []

    def on(self, event):
        def register(handler):
            self.handlers[event].append(handler)
            return handler

        return register

    def fire(self, event):
        for handler in self.handlers[event]:
            handler(self)

    def run(self, batches, max_epochs=1):
        self.fire("started")
        for self.epoch in range(1, max_epochs + 1):
            self.outputs = [self.process(batch) for batch in batches]
            self.fire("epoch_completed")
        self.fire("completed")
        return self
# file: timing.py
import functools
import time
from contextlib import contextmanager


@contextmanager
def stopwatch(what):
    start = time.perf_counter()
    yield
    print(f"({what}: {time.perf_counter() - start:.2f} s)")


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with stopwatch(function.__name__):
            return function(*args, **kwargs)

    return wrapper
# file: main.py
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from engine import Engine
from helper_functions import hits, plot_filters, read_npz
from timing import stopwatch, timed


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, (8, 8), stride=(2, 2))
        self.dense = nn.Linear(1210, 10, bias=True)
        self.maps = {}
        self.conv.register_forward_hook(self.keep)

    def keep(self, module, inputs, output):
        self.maps["z_1"] = output.detach()

    def forward(self, x):
        v_1 = self.conv(x.reshape(-1, 1, 28, 28)).relu()
        self.maps["v_1"] = v_1.detach()
        return self.dense(v_1.flatten(1))


@timed
def load():
    loaders = []
    for name, size, shuffle in (("train", 30, True), ("test", 120, False)):
        X, Y = read_npz(f"data/{name}.npz")
        print(name, X.shape, Y.shape)
        loaders.append(DataLoader(TensorDataset(X, Y, nn.functional.one_hot(Y, 10).float()), size, shuffle))
    return loaders


def main():
    train_loader, test_loader = load()
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.3)

    def train_step(batch):
        x, y, t = batch
        optimizer.zero_grad()
        y_hat = net(x)
        loss = criterion(y_hat, t)
        loss.backward()
        optimizer.step()
        return loss.item() * len(y), hits(y_hat, y), len(y)

    @torch.inference_mode()
    def test_step(batch):
        x, y, t = batch
        y_hat = net(x)
        return criterion(y_hat, t).item() * len(y), hits(y_hat, y), len(y)

    trainer, tester = Engine(train_step), Engine(test_step)

    def summary(engine):
        loss, correct, n = (sum(column) for column in zip(*engine.outputs))
        return f"loss {loss / n:.4f} accuracy {correct / n:.2%}"

    @trainer.on("epoch_completed")
    def report(engine):
        net.eval()
        tester.run(test_loader)
        net.train()
        print(f"epoch {engine.epoch}: train {summary(engine)}; test {summary(tester)}")

    @trainer.on("completed")
    def show_filters(engine):
        x = test_loader.dataset[0][0]
        with torch.no_grad():
            net(x)
        plot_filters(x, net.conv.weight, net.maps["z_1"], net.maps["v_1"])
        plt.close("all")

    with stopwatch("training"):
        trainer.run(train_loader, max_epochs=10)


if __name__ == "__main__":
    main()
