# kind: notebook
# style: the arrays are unpacked to .npy files and read through numpy memory maps, from_numpy batch by batch, targets from the archive's own one-hot
# %%
import os
import numpy as np
import torch
from torch import nn
import matplotlib.pyplot as plt

# %%
# My laptop has little memory: unpack once, then read from disk
os.makedirs("unpacked", exist_ok=True)
for part in ["train", "test"]:
    with np.load(f"data/{part}.npz") as f:
        for key in ["X", "Y"]:
            np.save(f"unpacked/{part}_{key}.npy", f[key].astype(np.float32))

def open_map(part, key):
    return np.load(f"unpacked/{part}_{key}.npy", mmap_mode="r")

X_train, T_train = open_map("train", "X"), open_map("train", "Y")
X_test, T_test = open_map("test", "X"), open_map("test", "Y")
Y_train, Y_test = T_train.argmax(axis=1), T_test.argmax(axis=1)

# %%
print("train:", X_train.shape, Y_train.shape, "one-hot", T_train.shape)
print("test: ", X_test.shape, Y_test.shape, "one-hot", T_test.shape)
print(type(X_train))

# %%
class CNN(nn.Module):
    def __init__(self, n_filters=10, filter_size=8, stride=2, n_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(1, n_filters, filter_size, stride=stride)
        n = (28 - filter_size) // stride + 1
        self.n_dense = n_filters * n * n
        self.fc = nn.Linear(self.n_dense, n_classes)

    def forward(self, x):
        v = torch.relu(self.conv(x.view(-1, 1, 28, 28)))
        return self.fc(v.view(-1, self.n_dense))

model = CNN()
ce = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %%
def batches(X, T, shuffle):
    starts = np.arange(0, X.shape[0], 30)
    if shuffle:
        np.random.shuffle(starts)
    for s in starts:
        yield torch.from_numpy(np.array(X[s:s + 30])), torch.from_numpy(np.array(T[s:s + 30]))

# %%
for epoch in range(10):
    loss_train = []
    for x, t in batches(X_train, T_train, shuffle=True):
        optimizer.zero_grad()
        loss = ce(model(x), t)
        loss.backward()
        optimizer.step()
        loss_train.append(loss.item())
    loss_test, hits_test = [], 0
    with torch.no_grad():
        for x, t in batches(X_test, T_test, shuffle=False):
            out = model(x)
            loss_test.append(ce(out, t).item())
            hits_test += (out.argmax(1) == t.argmax(1)).sum().item()
    print(f"{epoch + 1}\t{np.mean(loss_train):.4f}\t{np.mean(loss_test):.4f}\t{hits_test / X_test.shape[0]:.4f}")

# %%
w = model.conv.weight.detach().numpy()
w = (w - w.min()) / (w.max() - w.min())
fig, ax = plt.subplots(2, 5, figsize=(8, 3.5))
for i in range(2):
    for j in range(5):
        ax[i, j].imshow(w[5 * i + j, 0], cmap="gray", vmin=0, vmax=1)
        ax[i, j].axis("off")
fig.savefig("filters.png", dpi=80)
plt.show()
