# kind: module
# style: random_split with one part only (a shuffle, nothing left out), loss imported from functional, results in one table after training
from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

from helper_functions import hits, read_npz

X, Y = read_npz("data/train.npz")
X_t, Y_t = read_npz("data/test.npz")
print("X_train:", X.size())
print("Y_train:", Y.size())
print("X_test: ", X_t.size())
print("Y_test: ", Y_t.size())

train_set = TensorDataset(X.view(-1, 1, 28, 28), F.one_hot(Y, 10).float())
test_set = TensorDataset(X_t.view(-1, 1, 28, 28), F.one_hot(Y_t, 10).float())

# all of the training images, in a random order
(mixed,) = random_split(train_set, [len(train_set)], generator=torch.Generator().manual_seed(42))
loaders = {
    "train": DataLoader(mixed, batch_size=30),
    "test": DataLoader(test_set, batch_size=60),
}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(1, 10, 8, 2)
        self.d = nn.Linear(1210, 10)

    def forward(self, x):
        x = torch.relu_(self.c(x))
        return self.d(x.flatten(1))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.012, weight_decay=5e-4)
table = []
for epoch in range(10):
    sums = {"train": [0.0, 0, 0], "test": [0.0, 0, 0]}
    for phase in ("train", "test"):
        net.train(phase == "train")
        for images, targets in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                outputs = net(images)
                loss = F.cross_entropy(outputs, targets)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            sums[phase][0] += loss.item() * len(images)
            sums[phase][1] += hits(outputs, targets.argmax(dim=1))
            sums[phase][2] += len(images)
    table.append([epoch + 1] + [value for s, h, n in sums.values() for value in (s / n, 100 * h / n)])

print()
print("+-------+------------+-----------+-----------+----------+")
print("| epoch | train loss | train acc | test loss | test acc |")
print("+-------+------------+-----------+-----------+----------+")
for row in table:
    print("| {:5d} | {:10.4f} | {:8.2f}% | {:9.4f} | {:7.2f}% |".format(*row))
print("+-------+------------+-----------+-----------+----------+")

figure, axes = plt.subplots(nrows=2, ncols=5)
for kernel, axis in zip(net.c.weight, axes.flatten()):
    axis.imshow(kernel[0].tolist(), cmap="bone")
    axis.axis("off")
figure.savefig("filters.pdf")
