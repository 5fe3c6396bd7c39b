# kind: module
# style: an own im2col (unfold) and matmul for the convolution, Kaiming weights by hand, no layer of torch.nn at all
import math

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F

from helper_functions import hits, plot_filters, read_npz

K, S, SIZE = 8, 2, 28
OUT = (SIZE - K) // S + 1  # 11


class HandMadeConv(nn.Module):
    """Convolution = matrix product of the (10, 64) filters with the (64, 121) patches of each image."""

    def __init__(self, filters):
        super().__init__()
        # He et al.: standard deviation sqrt(2 / fan_in)
        self.H = nn.Parameter(torch.randn(filters, K * K) * math.sqrt(2.0 / (K * K)))
        self.b = nn.Parameter(torch.zeros(filters))

    def forward(self, x):
        patches = F.unfold(x, kernel_size=K, stride=S)  # (N, 64, 121)
        z = torch.matmul(self.H, patches) + self.b.view(1, -1, 1)  # (N, 10, 121)
        return z.view(x.shape[0], -1, OUT, OUT)


class HandMadeDense(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.W = nn.Parameter(torch.randn(inputs, outputs) * math.sqrt(1.0 / inputs))
        self.b = nn.Parameter(torch.zeros(outputs))

    def forward(self, u):
        return u @ self.W + self.b


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = HandMadeConv(10)
        self.dense = HandMadeDense(10 * OUT * OUT, 10)

    def forward(self, x):
        x = x.reshape(-1, 1, SIZE, SIZE)
        z_1 = self.conv(x)
        v_1 = torch.clamp(z_1, min=0)  # ReLU
        u_2 = v_1.reshape(v_1.shape[0], -1)
        return self.dense(u_2), z_1, v_1


def one_hot(y):
    return (y.unsqueeze(1) == torch.arange(10)).float()


X_train, y_train = read_npz("data/train.npz")
X_test, y_test = read_npz("data/test.npz")
print("Shapes:")
print("  train:", X_train.shape, y_train.shape)
print("  test: ", X_test.shape, y_test.shape)

torch.manual_seed(0)
net = Net()
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
B = 30

for epoch in range(10):
    loss_sum, n_hits, seen = 0.0, 0, 0
    for xb, yb in zip(X_train.split(B), y_train.split(B)):
        y_hat, z_1, v_1 = net(xb)
        loss = loss_function(y_hat, one_hot(yb))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(xb)
        n_hits += hits(y_hat, yb)
        seen += len(xb)

    with torch.no_grad():
        t_sum, t_hits, t_seen = 0.0, 0, 0
        for xb, yb in zip(X_test.split(B), y_test.split(B)):
            y_hat, _, _ = net(xb)
            t_sum += loss_function(y_hat, one_hot(yb)).item() * len(xb)
            t_hits += hits(y_hat, yb)
            t_seen += len(xb)

    print(f"epoch {epoch + 1:2d}  train loss {loss_sum / seen:.4f}  acc {n_hits / seen:.4f}   "
          f"test loss {t_sum / t_seen:.4f}  acc {t_hits / t_seen:.4f}")

with torch.no_grad():
    _, z_1, v_1 = net(X_test[3])
plot_filters(X_test[3], net.conv.H.view(10, 1, K, K), z_1, v_1)
plt.close("all")
