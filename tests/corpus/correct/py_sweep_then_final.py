# kind: module
# style: three learning rates tried for one epoch each on models of their own, judged by train loss, then the final model for 10 epochs
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot
from torch.optim import SGD

from helper_functions import hits, plot_filters, read_npz

BATCH = 30
EPOCHS = 10
CANDIDATES = (0.005, 0.01, 0.02)


class Net(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(1210, 10)

    def feature_maps(self, x):
        z = self.conv(x.reshape(-1, 1, 28, 28))
        return z, self.relu(z)

    def forward(self, x):
        _, v = self.feature_maps(x)
        return self.fc(v.flatten(1))


def train_epoch(net, optimizer, X, Y, seed):
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(seed))
    total = 0.0
    for rows in order.split(BATCH):
        optimizer.zero_grad()
        loss = cross_entropy(net(X[rows]), one_hot(Y[rows], 10).float())
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(X)


@torch.no_grad()
def test_epoch(net, X, Y):
    total, right = 0.0, 0
    for x, y in zip(X.split(BATCH), Y.split(BATCH)):
        y_hat = net(x)
        total += cross_entropy(y_hat, one_hot(y, 10).float(), reduction="sum").item()
        right += hits(y_hat, y)
    return total / len(X), right / len(X)


def main():
    X, Y = read_npz("data/train.npz")
    X_test, Y_test = read_npz("data/test.npz")
    print(f"{X.shape} {Y.shape} {X_test.shape} {Y_test.shape}")

    # which learning rate goes down fastest? (training loss only, the test set is not touched)
    results = {}
    for lr in CANDIDATES:
        candidate = Net(seed=0)
        make_optimizer = partial(SGD, candidate.parameters())
        results[lr] = train_epoch(candidate, make_optimizer(lr=lr), X, Y, seed=0)
        print(f"lr {lr}: train loss after one epoch {results[lr]:.4f}")
    best = min(results, key=results.get)
    print("chosen lr:", best)

    net = Net(seed=1)
    optimizer = SGD(net.parameters(), lr=best)
    for epoch in range(1, EPOCHS + 1):
        train_loss = train_epoch(net, optimizer, X, Y, seed=epoch)
        test_loss, test_accuracy = test_epoch(net, X_test, Y_test)
        print(f"epoch {epoch}: train loss {train_loss:.4f}, test loss {test_loss:.4f}, test accuracy {test_accuracy:.4f}")

    with torch.no_grad():
        z_1, v_1 = net.feature_maps(X_test[0])
    plot_filters(X_test[0], net.conv.weight, z_1, v_1)
    plt.savefig("filters.png")


if __name__ == "__main__":
    main()
