# kind: notebook
# style: lazy layers that learn their sizes from a dry run, one-hot once by F.one_hot, momentum
# %% [markdown]
# # Practical 5: MNIST and CNNs in PyTorch
# ## 1. Data
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import *

torch.manual_seed(0)

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
[t.shape for t in (X_train, Y_train, X_test, Y_test)]

# %%
T_train = F.one_hot(Y_train, 10).float()
T_test = F.one_hot(Y_test, 10).float()

# %% [markdown]
# ## 2. Model
# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.LazyConv2d(10, kernel_size=8, stride=2)
        self.act = nn.ReLU()
        self.dense = nn.LazyLinear(10)

    def forward(self, x):
        z_1 = self.conv(x.view(-1, 1, 28, 28))
        v_1 = self.act(z_1)
        u_2 = v_1.flatten(start_dim=1)
        return self.dense(u_2)

cnn = CNN()

# %%
# dry run: the lazy layers only get their parameters now
with torch.no_grad():
    print(cnn(X_train[:2]).shape)
print(cnn)
sum(p.numel() for p in cnn.parameters())

# %%
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(cnn.parameters(), lr=0.01, momentum=0.9)

# %% [markdown]
# ## 3. Training and test
# %%
B = 30
for epoch in range(10):
    cnn.train()
    total, right = 0, 0
    for start in range(0, X_train.shape[0], B):
        x, t = X_train[start:start + B], T_train[start:start + B]
        optimizer.zero_grad()
        y_hat = cnn(x)
        loss = loss_function(y_hat, t)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        right += hits(y_hat, Y_train[start:start + B])
    print("epoch", epoch + 1)
    print("  train loss %.4f  train accuracy %.4f" % (total / len(X_train), right / len(X_train)))

    cnn.eval()
    total, right = 0, 0
    with torch.no_grad():
        for start in range(0, X_test.shape[0], B):
            y_hat = cnn(X_test[start:start + B])
            total += loss_function(y_hat, T_test[start:start + B]).item() * len(y_hat)
            right += hits(y_hat, Y_test[start:start + B])
    print("  test loss  %.4f  test accuracy  %.4f" % (total / len(X_test), right / len(X_test)))

# %% [markdown]
# ## 4. Filters
# %%
fig, axs = plt.subplots(2, 5)
for k in range(10):
    ax = axs[k // 5][k % 5]
    ax.imshow(cnn.conv.weight[k].squeeze().detach().numpy(), cmap="gray")
    ax.set_title(f"filter {k}")
    ax.axis("off")
plt.tight_layout()
plt.show()
