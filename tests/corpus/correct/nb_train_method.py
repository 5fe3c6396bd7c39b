# kind: notebook
# style: the class overrides train() with its own loop and has test() and plot() too; the lists are printed at the end
# %%
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

# %%
class CNN(nn.Module):
    """The whole practical in one class."""

    def __init__(self, lr=0.01, batch_size=30):
        super().__init__()
        self.batch_size = batch_size
        self.conv1 = nn.Conv2d(1, 10, 8, 2)
        self.fc1 = nn.Linear(1210, 10)
        self.loss_fn = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=lr)
        self.train_loss, self.test_loss, self.test_acc = [], [], []

    def forward(self, x):
        x = x.reshape(-1, 1, 28, 28)
        x = torch.relu(self.conv1(x))
        x = x.reshape(-1, 1210)
        return self.fc1(x)

    def one_hot(self, y):
        return nn.functional.one_hot(y, num_classes=10).type(torch.float32)

    def train(self, X, Y):
        total = 0
        steps = 0
        i = 0
        while i < X.shape[0]:
            xb, yb = X[i:i + self.batch_size], Y[i:i + self.batch_size]
            loss = self.loss_fn(self(xb), self.one_hot(yb))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
            steps += 1
            i += self.batch_size
        self.train_loss.append(round(total / steps, 4))

    def test(self, X, Y):
        with torch.no_grad():
            y_hat = self(X)
            self.test_loss.append(round(self.loss_fn(y_hat, self.one_hot(Y)).item(), 4))
            self.test_acc.append(round(hits(y_hat, Y) / len(Y), 4))

    def fit(self, train_set, test_set, epochs):
        for _ in range(epochs):
            self.train(*train_set)
            self.test(*test_set)

    def plot(self):
        fig, ax = plt.subplots(2, 5, figsize=(9, 4))
        for a, h in zip(ax.ravel(), self.conv1.weight.detach()):
            a.imshow(h[0], cmap="bone")
            a.axis("off")
        plt.show()

# %%
train_set = read_npz("data/train.npz")
test_set = read_npz("data/test.npz")
print("train:", train_set[0].shape, train_set[1].shape)
print("test: ", test_set[0].shape, test_set[1].shape)

# %%
net = CNN()
net.fit(train_set, test_set, epochs=10)

# %%
print("train loss:", net.train_loss)
print("test loss:", net.test_loss)
print("test accuracy:", net.test_acc)

# %%
plt.plot(net.train_loss, "o-"); plt.plot(net.test_loss, "x-"); plt.legend(["train", "test"]); plt.show()

# %%
net.plot()
