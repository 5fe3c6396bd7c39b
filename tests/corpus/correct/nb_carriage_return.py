# kind: notebook
# style: Colab: pip, drive in try/except, %matplotlib inline, %%time, a progress bar with carriage returns
# %% [markdown]
# <a href="https://colab.research.google.com/"><img src="https://colab.research.google.com/assets/colab-badge.svg" alt="Open In Colab"/></a>
#
# # Practical 5
# %%
!pip install -q numpy matplotlib

# %%
%matplotlib inline
import sys
import torch
import torch.nn as nn
import torch.optim as optim
import numpy as np
import matplotlib.pyplot as plt

# %%
try:
    from google.colab import drive
    drive.mount('/content/drive')
    path = '/content/drive/MyDrive/practical5/'
    sys.path.append(path)
except ImportError:
    path = ''
from helper_functions import read_npz, hits, plot_filters

# %%
train_X, train_Y = read_npz(path + 'data/train.npz')
test_X, test_Y = read_npz(path + 'data/test.npz')

# %%
train_X.shape

# %%
train_Y.shape

# %%
test_X.shape

# %%
test_Y.shape

# %%
class CNN(nn.Module):
    def __init__(self, M_1, K, stride):
        super().__init__()
        self.conv = nn.Conv2d(1, K, M_1, stride)
        self.dense = nn.Linear(K * 11 * 11, 10)

    def forward(self, x):
        x = x.reshape(-1, 1, 28, 28)
        z_1 = self.conv(x)
        v_1 = nn.functional.relu(z_1)
        u_2 = v_1.reshape(v_1.size()[0], -1)
        y_hat = self.dense(u_2)
        return y_hat, z_1, v_1

net = CNN(8, 10, 2)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.01)
print(net)

# %%
def progress(i, n, loss):
    if i % 20 == 0 or i == n:
        done = int(30 * i / n)
        sys.stdout.write(f"\r[{'=' * done}{' ' * (30 - done)}] {i}/{n} loss: {loss:.4f}")
        sys.stdout.flush()

def one_hot(Y):
    result = np.zeros((len(Y), 10))
    result[np.arange(len(Y)), Y.numpy()] = 1
    return torch.tensor(result, dtype=torch.float32)

# %%
%%time
N = 30
n_batches = len(train_X) // N
for epoch in range(10):
    print("Epoch", epoch + 1)
    total = 0
    for i in range(n_batches):
        X_batch = train_X[i * N:(i + 1) * N]
        Y_batch = train_Y[i * N:(i + 1) * N]
        optimizer.zero_grad()
        y_hat, _, _ = net(X_batch)
        loss = criterion(y_hat, one_hot(Y_batch))
        loss.backward()
        optimizer.step()
        total += loss.item()
        progress(i + 1, n_batches, total / (i + 1))

    test_total, test_hits = 0, 0
    with torch.no_grad():
        for i in range(0, len(test_X), N):
            y_hat, _, _ = net(test_X[i:i + N])
            test_total += criterion(y_hat, one_hot(test_Y[i:i + N])).item() * len(y_hat)
            test_hits += hits(y_hat, test_Y[i:i + N])
    print(f" - test loss: {test_total / len(test_X):.4f} - test accuracy: {test_hits / len(test_X):.4f}")

# %%
with torch.no_grad():
    y_hat, z_1, v_1 = net(test_X[0:1])
plot_filters(test_X[0], net.conv.weight.detach(), z_1, v_1);
