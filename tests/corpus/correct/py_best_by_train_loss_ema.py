# kind: module
# style: a moving average of the weights kept beside the model and never used, the best state by train loss deep-copied and loaded back
import copy

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import hits, plot_filters, read_npz


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(1210, 10)

    def forward(self, x):
        z_1 = self.conv(x)
        v_1 = self.relu(z_1)
        return self.linear(self.flatten(v_1)), (z_1, v_1)


@torch.no_grad()
def update_average(average, model, decay=0.99):
    for a, p in zip(average.parameters(), model.parameters()):
        a.mul_(decay).add_(p, alpha=1 - decay)


def one_hot(y):
    return nn.functional.one_hot(y, 10).float()


def main():
    torch.manual_seed(17)
    X_train, y_train = read_npz("data/train.npz")
    X_test, y_test = read_npz("data/test.npz")
    print("Train set:", X_train.shape, y_train.shape)
    print("Test set:", X_test.shape, y_test.shape)
    X_train, X_test = X_train.view(-1, 1, 28, 28), X_test.view(-1, 1, 28, 28)

    train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=30, shuffle=True)
    test_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=30, shuffle=False)

    model = CNN()
    average = copy.deepcopy(model)
    for p in average.parameters():
        p.requires_grad_(False)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    best_loss = float("inf")
    best_state = None
    for epoch in range(10):
        model.train()
        train_loss = 0.0
        for x, y in train_loader:
            y_hat, _ = model(x)
            loss = criterion(y_hat, one_hot(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            update_average(average, model)
            train_loss += loss.item() * x.size(0)
        train_loss /= len(train_loader.dataset)

        model.eval()
        test_loss, test_hits = 0.0, 0
        with torch.no_grad():
            for x, y in test_loader:
                y_hat, _ = model(x)
                test_loss += criterion(y_hat, one_hot(y)).item() * x.size(0)
                test_hits += hits(y_hat, y)
        test_loss /= len(test_loader.dataset)
        test_accuracy = test_hits / len(test_loader.dataset)

        star = ""
        if train_loss < best_loss:
            best_loss = train_loss
            best_state = copy.deepcopy(model.state_dict())
            star = " *"
        print(f"[epoch {epoch + 1:2}] train loss: {train_loss:.4f} test loss: {test_loss:.4f} test accuracy: {test_accuracy:.2%}{star}")

    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        _, (z_1, v_1) = model(X_test[:1])
    plot_filters(X_test[0], model.conv.weight, z_1, v_1)
    plt.show()


if __name__ == "__main__":
    main()
