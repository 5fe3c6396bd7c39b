# kind: notebook
# style: one epoch each with three learning rates (models of the same class), then the answer; ModuleDict, inference_mode, maps kept as attributes
# %%
import time
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
start = time.time()
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("X_train: {}, Y_train: {}".format(list(X_train.shape), list(Y_train.shape)))
print("X_test: {}, Y_test: {}".format(list(X_test.shape), list(Y_test.shape)))
print(f"loaded in {time.time() - start:.2f} s")

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({
            "conv": nn.Conv2d(1, 10, (8, 8), stride=(2, 2)),
            "relu": nn.ReLU(),
            "dense": nn.Linear(1210, 10),
        })

    def forward(self, x):
        self.z_1 = self.layers["conv"](x.view(-1, 1, 28, 28))
        self.v_1 = self.layers["relu"](self.z_1)
        self.u_2 = torch.flatten(self.v_1, 1)
        return self.layers["dense"](self.u_2)

criterion = nn.CrossEntropyLoss()

def target(Y):
    T = torch.zeros(Y.shape[0], 10)
    T[torch.arange(Y.shape[0]), Y] = 1
    return T

# %%
def train_epoch(model, optimizer):
    model.train()
    mean = 0.0
    permutation = torch.randperm(X_train.shape[0])
    for n, i in enumerate(range(0, X_train.shape[0], 30), start=1):
        indices = permutation[i:i + 30]
        x, t = X_train[indices], target(Y_train[indices])
        optimizer.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        optimizer.step()
        mean += (loss.item() - mean) / n         # running mean
    return mean

@torch.inference_mode()
def test_epoch(model):
    model.eval()
    y_hat = model(X_test)
    return criterion(y_hat, target(Y_test)).item(), hits(y_hat, Y_test) / X_test.shape[0]

# %%
# which learning rate? one epoch each
for lr in (0.0001, 0.001, 0.01):
    trial = CNN()
    mean = train_epoch(trial, torch.optim.SGD(trial.parameters(), lr=lr))
    print("lr", lr, "train loss", mean, "test loss and accuracy", test_epoch(trial))

# %% [markdown]
# 0.01 is the best of these.

# %%
torch.manual_seed(5)
model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(10):
    t0 = time.time()
    train_loss = train_epoch(model, optimizer)
    test_loss, accuracy = test_epoch(model)
    print(f"[{epoch + 1}] {time.time() - t0:.1f}s train={train_loss:.4f} test={test_loss:.4f} acc={accuracy:.4f}")

# %%
with torch.no_grad():
    model(X_test[6])
plot_filters(X_test[6], model.layers["conv"].weight, model.z_1, model.v_1)
