# kind: notebook
# style: nn.ParameterDict and F.conv2d, ReLU as x * (x > 0), numpy permutations, np.eye for every batch, weight decay
# %%
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
import matplotlib.pyplot as plt

# %%
def load(path):
    f = np.load(path)
    return f["X"].astype("float32"), f["Y"].argmax(1)

X_tr, Y_tr = load("data/train.npz")
X_te, Y_te = load("data/test.npz")
print(X_tr.shape)
print(Y_tr.shape)
print(X_te.shape)
print(Y_te.shape)

# %%
class Net(nn.Module):
    def __init__(self):
        nn.Module.__init__(self)
        g = torch.Generator().manual_seed(42)
        self.theta = nn.ParameterDict({
            "H": nn.Parameter((torch.rand(10, 1, 8, 8, generator=g) - 0.5) * 0.25),
            "b1": nn.Parameter(torch.zeros(10)),
            "W": nn.Parameter((torch.rand(10, 1210, generator=g) - 0.5) * 0.06),
            "b2": nn.Parameter(torch.zeros(10)),
        })

    def forward(self, x):
        P = self.theta
        z = F.conv2d(x.view(len(x), 1, 28, 28), P["H"], P["b1"], stride=(2, 2))
        v = z * (z > 0)
        return F.linear(v.flatten(1), P["W"], P["b2"])

net = Net()
for k, v in net.named_parameters():
    print(k, tuple(v.shape))

# %%
crit = nn.CrossEntropyLoss()
sgd = torch.optim.SGD(net.parameters(), lr=0.01, weight_decay=1e-4)
rng = np.random.default_rng(1)
EYE = np.eye(10, dtype=np.float32)

# %%
train_losses, test_losses, accs = [], [], []
for ep in range(10):
    perm = rng.permutation(len(X_tr))
    s = []
    for k in range(0, len(perm), 30):
        idx = perm[k:k + 30]
        xb = torch.from_numpy(X_tr[idx])
        tb = torch.from_numpy(EYE[Y_tr[idx]])
        sgd.zero_grad()
        l = crit(net(xb), tb)
        l.backward()
        sgd.step()
        s.append(float(l))
    train_losses.append(np.mean(s))

    with torch.no_grad():
        y_hat = net(torch.from_numpy(X_te))
        test_losses.append(crit(y_hat, torch.from_numpy(EYE[Y_te])).item())
    accs.append((y_hat.numpy().argmax(1) == Y_te).mean())
    print(f"epoch={ep+1} train_loss={train_losses[-1]:.4f} test_loss={test_losses[-1]:.4f} test_acc={accs[-1]:.4f}")

# %%
plt.plot(range(1, 11), train_losses, label="train")
plt.plot(range(1, 11), test_losses, label="test")
plt.xlabel("epoch"); plt.ylabel("loss"); plt.legend()
plt.show()

# %%
H = net.theta["H"].detach().numpy()
plt.figure(figsize=(12, 2))
for j in range(10):
    plt.subplot(1, 10, j + 1)
    plt.imshow(H[j, 0], cmap="seismic", vmin=-abs(H).max(), vmax=abs(H).max())
    plt.xticks([]); plt.yticks([])
plt.suptitle("filters after training")
plt.show()
