# kind: module
# style: argparse with defaults, a shuffled permutation each epoch, figures by fig.savefig under a folder it makes itself
"""Practical 5, run with `python submission.py --epochs 10`."""
import argparse
import os
import time

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

from helper_functions import hits, read_npz


def get_args():
    parser = argparse.ArgumentParser(description="CNN on MNIST")
    parser.add_argument("--train", default="data/train.npz", help="training archive")
    parser.add_argument("--test", default="data/test.npz", help="test archive")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=30)
    parser.add_argument("--test-batch-size", type=int, default=250)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--log-interval", type=int, default=100)
    parser.add_argument("--out", default="figures")
    return parser.parse_args()


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, 8, 2)
        self.fc1 = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        x = F.relu(self.conv1(x))
        x = torch.flatten(x, 1)
        return self.fc1(x)


def train(args, model, device, X, T, optimizer, criterion, epoch):
    model.train()
    order = torch.randperm(X.shape[0])
    n_batches = (X.shape[0] + args.batch_size - 1) // args.batch_size
    for batch_idx in range(n_batches):
        idx = order[batch_idx * args.batch_size:(batch_idx + 1) * args.batch_size]
        data, target = X[idx].to(device), T[idx].to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print("Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                epoch, batch_idx * len(data), X.shape[0], 100. * batch_idx / n_batches, loss.item()))


def test(args, model, device, X, Y, T, criterion):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for start in range(0, X.shape[0], args.test_batch_size):
            stop = start + args.test_batch_size
            data, target = X[start:stop].to(device), T[start:stop].to(device)
            output = model(data)
            test_loss += criterion(output, target).item() * data.shape[0]
            correct += hits(output, Y[start:stop].to(device))
    test_loss /= X.shape[0]
    print("\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.2f}%)\n".format(
        test_loss, correct, X.shape[0], 100. * correct / X.shape[0]))


def save_filters(model, folder):
    os.makedirs(folder, exist_ok=True)
    fig, axes = plt.subplots(2, 5, figsize=(8, 3.5))
    kernels = model.conv1.weight.detach().cpu().numpy()
    for k, ax in enumerate(axes.ravel()):
        ax.imshow(kernels[k, 0], cmap="gray")
        ax.set_title("filter %d" % (k + 1))
        ax.axis("off")
    fig.tight_layout()
    fig.savefig(os.path.join(folder, "filters.png"), dpi=80)
    plt.close(fig)


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    X_train, Y_train = read_npz(args.train)
    X_test, Y_test = read_npz(args.test)
    print("training images", X_train.shape, "training labels", Y_train.shape)
    print("test images    ", X_test.shape, "test labels    ", Y_test.shape)
    T_train = F.one_hot(Y_train, 10).float()
    T_test = F.one_hot(Y_test, 10).float()

    model = Net().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)

    t0 = time.time()
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, X_train, T_train, optimizer, criterion, epoch)
        test(args, model, device, X_test, Y_test, T_test, criterion)
    print("finished in %.1f s" % (time.time() - t0))
    save_filters(model, args.out)


if __name__ == '__main__':
    main()
