# kind: module
# style: a closure passed to optimizer.step(closure), which clears, does the forward and backward pass and gives the loss
import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt

from helper_functions import read_npz, hits, plot_filters


class MyCNN(nn.Module):
    def __init__(self):
        super(MyCNN, self).__init__()
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=10, kernel_size=8, stride=2)
        self.fc = nn.Linear(11 * 11 * 10, 10)
        self.z_1 = None
        self.v_1 = None

    def forward(self, x):
        x = torch.reshape(x, (-1, 1, 28, 28))
        self.z_1 = self.conv1(x)
        self.v_1 = torch.maximum(self.z_1, torch.zeros_like(self.z_1))
        return self.fc(torch.flatten(self.v_1, start_dim=1))


def to_one_hot(y, classes=10):
    return torch.from_numpy(np.eye(classes, dtype=np.float32)[y.numpy()])


def train_batch(model, criterion, optimizer, x, t):
    kept = {}

    def closure():
        optimizer.zero_grad()
        kept["y_hat"] = model(x)
        loss = criterion(kept["y_hat"], t)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    return loss.item(), kept["y_hat"].detach()


def evaluate(model, criterion, X, Y, size):
    losses, correct = [], 0
    with torch.no_grad():
        for i in range(0, len(X), size):
            y_hat = model(X[i:i + size])
            losses.append(criterion(y_hat, to_one_hot(Y[i:i + size])).item() * len(y_hat))
            correct += hits(y_hat, Y[i:i + size])
    return sum(losses) / len(X), correct / len(X)


if __name__ == "__main__":
    train_X, train_Y = read_npz("data/train.npz")
    test_X, test_Y = read_npz("data/test.npz")
    print("train_X", train_X.shape, "train_Y", train_Y.shape)
    print("test_X", test_X.shape, "test_Y", test_Y.shape)

    model = MyCNN()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    batch_size = 30
    for epoch in range(10):
        losses = []
        correct = 0
        for i in range(0, train_X.shape[0], batch_size):
            x, y = train_X[i:i + batch_size], train_Y[i:i + batch_size]
            loss, y_hat = train_batch(model, criterion, optimizer, x, to_one_hot(y))
            losses.append(loss)
            correct += hits(y_hat, y)
        test_loss, test_acc = evaluate(model, criterion, test_X, test_Y, 128)
        print(f"Epoch {epoch + 1}: Train Loss = {np.mean(losses):.4f}, Train Accuracy = {correct / len(train_X):.4f}, "
              f"Test Loss = {test_loss:.4f}, Test Accuracy = {test_acc:.4f}")

    with torch.no_grad():
        model(test_X[0])
    plot_filters(test_X[0], model.conv1.weight, model.z_1, model.v_1)
    plt.show()
