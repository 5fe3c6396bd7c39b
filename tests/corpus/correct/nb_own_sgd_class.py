# kind: notebook
# style: an optimizer class of the student's own with momentum, step() and zero_grad(); the weights in lists of nn.Parameter
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

# %%
X, Y = read_npz("data/train.npz")
Xv, Yv = read_npz("data/test.npz")
print(f"X {X.shape}\nY {Y.shape}\nXv {Xv.shape}\nYv {Yv.shape}")

# %%
class MySGD:
    """v = mu v + grad;  p = p - lr v"""
    def __init__(self, params, lr, mu=0.0):
        self.params = list(params)
        self.lr, self.mu = lr, mu
        self.v = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, v in zip(self.params, self.v):
            v.mul_(self.mu).add_(p.grad)
            p.add_(v, alpha=-self.lr)

    def zero_grad(self):
        for p in self.params:
            p.grad = None

class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, 1, 8, 8) / 8)
        self.bias = nn.Parameter(torch.zeros(10))
        self.weight2 = nn.Parameter(torch.randn(1210, 10) / 1210 ** 0.5)
        self.bias2 = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        z_1 = F.conv2d(x.reshape(-1, 1, 28, 28), self.weight, self.bias, stride=2)
        v_1 = torch.relu_(z_1.clone())
        u_2 = v_1.reshape(-1, 1210)
        return torch.addmm(self.bias2, u_2, self.weight2)

net = CNN()
optimizer = MySGD(net.parameters(), lr=0.005, mu=0.8)

# %%
for epoch in range(10):
    for mode in ("train", "test"):
        x_all, y_all = (X, Y) if mode == "train" else (Xv, Yv)
        torch.set_grad_enabled(mode == "train")
        loss_sum, correct, count = 0.0, 0, 0
        for x, y in zip(x_all.split(30), y_all.split(30)):
            target = (torch.arange(10) == y.unsqueeze(1)).to(x.dtype)
            y_hat = net(x)
            loss = F.cross_entropy(y_hat, target)
            if mode == "train":
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
            loss_sum += loss.item() * len(y)
            correct += hits(y_hat, y)
            count += len(y)
        print(f"epoch {epoch + 1} {mode:5}: loss = {loss_sum / count:.4f}, accuracy = {correct / count:.4f} ({correct}/{count})")
torch.set_grad_enabled(True);

# %%
fig = plt.figure(figsize=(10, 4))
for i in range(10):
    ax = fig.add_subplot(2, 5, i + 1)
    im = ax.imshow(net.weight.detach()[i].reshape(8, 8), cmap="coolwarm")
    ax.set_title(i)
fig.colorbar(im)
plt.show()
