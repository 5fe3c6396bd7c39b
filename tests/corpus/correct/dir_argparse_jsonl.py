# kind: folder
# style: main.py with an argparse of its own module, a Runner built from an Enum of phases, one JSON line a phase and epoch, weights saved and loaded back for the plot
# file: options.py
import argparse
from pathlib import Path


def parse(argv=None):
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--work", type=Path, default=Path("run"))
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=int, default=10)
    training.add_argument("--batch", type=int, default=30)
    training.add_argument("--lr", type=float, default=0.01)
    training.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args(argv)
# file: runner.py
import json
from enum import Enum

import torch
from torch.nn.functional import one_hot


class Phase(str, Enum):
    TRAIN = "train"
    TEST = "test"


class Runner:
    def __init__(self, net, criterion, optimizer):
        self.net, self.criterion, self.optimizer = net, criterion, optimizer

    def __call__(self, phase, loader, epoch):
        learning = phase is Phase.TRAIN
        self.net.train(learning)
        loss_sum = torch.zeros(())
        correct = torch.zeros((), dtype=torch.long)
        number = 0
        with torch.set_grad_enabled(learning):
            for images, labels in loader:
                logits = self.net(images)
                loss = self.criterion(logits, one_hot(labels, 10).to(logits.dtype))
                if learning:
                    self.learn(loss)
                loss_sum += loss.detach() * len(labels)
                correct += logits.argmax(dim=-1).eq(labels).sum()
                number += len(labels)
        line = {"epoch": epoch, "phase": phase.value, "loss": loss_sum.item() / number, "accuracy": correct.item() / number}
        print(json.dumps(line))
        return line

    def learn(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
# file: cnn.py
from torch import nn


def make_cnn():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 10, kernel_size=8, stride=2, padding=0), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(1210, 10)),
    )
# file: main.py
import json

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from cnn import make_cnn
from helper_functions import read_npz
from options import parse
from runner import Phase, Runner


def plot(state, path):
    kernels = state["0.0.weight"]
    fig, axes = plt.subplots(2, 5, figsize=(7, 3), constrained_layout=True)
    for ax, kernel in zip(axes.flat, kernels):
        ax.pcolormesh(kernel.squeeze(0).flip(0).numpy(), cmap="gray")
        ax.set_aspect("equal")
        ax.axis("off")
    fig.savefig(path.with_name("mesh.png"))
    for ax, kernel in zip(axes.flat, kernels):
        ax.clear()
        ax.imshow(kernel.squeeze(0).numpy(), cmap="gray")
        ax.axis("off")
    fig.savefig(path)


def main(options):
    X, Y = read_npz(options.data / "train.npz")
    X_test, Y_test = read_npz(options.data / "test.npz")
    print(json.dumps({"train": [list(X.shape), list(Y.shape)], "test": [list(X_test.shape), list(Y_test.shape)]}))

    train = DataLoader(TensorDataset(X.view(-1, 1, 28, 28), Y), batch_size=options.batch, shuffle=options.shuffle)
    test = DataLoader(TensorDataset(X_test.view(-1, 1, 28, 28), Y_test), batch_size=options.batch)

    net = make_cnn()
    run = Runner(net, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=options.lr))
    for epoch in range(1, options.epochs + 1):
        run(Phase.TRAIN, train, epoch)
        run(Phase.TEST, test, epoch)

    options.work.mkdir(exist_ok=True)
    torch.save(net.state_dict(), options.work / "weights.pt")
    plot(torch.load(options.work / "weights.pt", weights_only=True), options.work / "filters.png")


if __name__ == "__main__":
    main(parse())
