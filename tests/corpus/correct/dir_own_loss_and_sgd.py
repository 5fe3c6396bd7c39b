# kind: folder
# style: own cross entropy (log_softmax times the one-hot targets) and a subclass of torch.optim.SGD, batches from a generator with micro batches summed and divided by 30
# file: loss.py
import torch.nn as nn


class CrossEntropy(nn.Module):
    """- sum_k t_k log softmax(y_hat)_k, summed over the images; divide it by the batch size yourself."""

    def forward(self, y_hat, t):
        log_p = y_hat.log_softmax(dim=1)
        return -(t * log_p).sum()
# file: optimise.py
import torch


class CountingSGD(torch.optim.SGD):
    """SGD that counts its steps."""

    def __init__(self, params, lr=0.01, **options):
        super().__init__(params, lr=lr, **options)
        self.steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)
# file: cnn.py
import torch
import torch.nn as nn


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv2d = nn.Conv2d(1, 10, 8, 2, 0)
        self.linear = nn.Linear(1210, 10)
        nn.init.kaiming_normal_(self.conv2d.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv2d.bias)
        with torch.no_grad():
            self.linear.weight.normal_(0.0, 0.02)
            self.linear.bias.fill_(0.0)

    def forward(self, x):
        self.z_1 = self.conv2d(x.view(-1, 1, 28, 28))
        self.v_1 = self.z_1.clamp(min=0)
        return self.linear(self.v_1.view(self.v_1.shape[0], -1))
# file: main.py
import matplotlib.pyplot as plt
import torch

from cnn import CNN
from helper_functions import hits, read_npz
from loss import CrossEntropy
from optimise import CountingSGD

BATCH, MICRO, EPOCHS = 30, 15, 10


def one_hot(y):
    return torch.zeros(y.numel(), 10).scatter(1, y.reshape(-1, 1), 1.0)


def batches(X, Y, size):
    for first in range(0, len(X), size):
        yield X[first:first + size], Y[first:first + size]


def train(model, loss, optimizer, X, Y):
    total, correct = 0.0, 0
    for x, y in batches(X, Y, BATCH):
        optimizer.zero_grad()
        for part_x, part_y in batches(x, y, MICRO):
            y_hat = model(part_x)
            part = loss(y_hat, one_hot(part_y)) / len(x)
            part.backward()
            total += part.item() * len(x)
            correct += hits(y_hat, part_y)
        optimizer.step()
    return total / len(X), correct / len(X)


def test(model, loss, X, Y):
    total, correct = 0.0, 0
    with torch.no_grad():
        for x, y in batches(X, Y, 500):
            y_hat = model(x)
            total += loss(y_hat, one_hot(y)).item()
            correct += hits(y_hat, y)
    return total / len(X), correct / len(X)


def main():
    X_train, Y_train = read_npz("data/train.npz")
    X_test, Y_test = read_npz("data/test.npz")
    print("training: ", X_train.shape, Y_train.shape)
    print("testing:  ", X_test.shape, Y_test.shape)

    model, loss = CNN(), CrossEntropy()
    optimizer = CountingSGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(1, EPOCHS + 1):
        mixed = torch.randperm(len(X_train))
        train_loss, train_hits = train(model, loss, optimizer, X_train[mixed], Y_train[mixed])
        test_loss, test_hits = test(model, loss, X_test, Y_test)
        print(f"After {optimizer.steps} steps ({epoch} epochs): loss {train_loss:.3f} (test {test_loss:.3f}), "
              f"accuracy {train_hits:.3f} (test {test_hits:.3f})")

    fig, axes = plt.subplots(2, 5)
    for k in range(10):
        ax = axes[k // 5][k % 5]
        ax.imshow(model.conv2d.weight[k].detach().permute(1, 2, 0), cmap="gray")
        ax.set(title=f"{k + 1}", xticks=[], yticks=[])
    plt.show()


if __name__ == "__main__":
    main()
