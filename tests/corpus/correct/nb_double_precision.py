# kind: notebook
# style: everything in float64, ReLU by torch.where, reduction="none" and .mean(), labels encoded by list comprehension
# %%
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

torch.set_default_dtype(torch.float64)

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("shapes:", *[tuple(t.shape) for t in (X_train, Y_train, X_test, Y_test)])
X_train, X_test = X_train.double(), X_test.double()

# %%
def relu(z):
    return torch.where(z > 0, z, torch.zeros_like(z))

class CNN(nn.Module):
    def __init__(self, shape=(1, 28, 28), K=10, M=8, S=2):
        super().__init__()
        self.shape = shape
        self.H = nn.Conv2d(shape[0], K, M, S)
        side = 1 + (shape[1] - M) // S
        self.W = nn.Linear(K * side * side, 10)

    def forward(self, x):
        z_1 = self.H(x.reshape(-1, *self.shape))
        v_1 = relu(z_1)
        return self.W(v_1.flatten(1)), z_1, v_1

# %%
cnn = CNN()
loss_fn = nn.CrossEntropyLoss(reduction="none")
optimizer = torch.optim.SGD(cnn.parameters(), lr=0.01)
print(next(cnn.parameters()).dtype)

# %%
T_train = torch.tensor([[1.0 if c == y else 0.0 for c in range(10)] for y in Y_train.tolist()])
T_test = torch.tensor([[1.0 if c == y else 0.0 for c in range(10)] for y in Y_test.tolist()])

# %%
for epoch in range(10):
    losses = []
    n_hits = 0
    for k in range(0, len(X_train), 30):
        batch = slice(k, k + 30)
        y_hat = cnn(X_train[batch])[0]
        l = loss_fn(y_hat, T_train[batch])       # one loss per image
        optimizer.zero_grad()
        l.mean().backward()
        optimizer.step()
        losses += l.tolist()
        n_hits += hits(y_hat, Y_train[batch])
    print(f"{epoch + 1}. epoch, training: {sum(losses) / len(losses):.6f}, {n_hits / len(X_train):.2%}")

    losses = []
    n_hits = 0
    for k in range(0, len(X_test), 30):
        batch = slice(k, k + 30)
        with torch.no_grad():
            y_hat = cnn(X_test[batch])[0]
        losses += loss_fn(y_hat, T_test[batch]).tolist()
        n_hits += hits(y_hat, Y_test[batch])
    print(f"{epoch + 1}. epoch, test:     {sum(losses) / len(losses):.6f}, {n_hits / len(X_test):.2%}")

# %%
y_hat, z_1, v_1 = cnn(X_test[0])
plot_filters(X_test[0], cnn.H.weight, z_1, v_1)
