# kind: notebook
# style: a plain Python class with __call__ and parameters(), ReLU by torch.maximum, p.data -= lr * p.grad, p.grad.zero_()
# %%
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
x_train, y_train = read_npz("data/train.npz")
print("x_train:", x_train.shape, x_train.dtype, "min", x_train.min().item(), "max", x_train.max().item())
print("y_train:", y_train.shape, y_train.dtype)
x_test, y_test = read_npz("data/test.npz")
print("x_test:", x_test.shape, x_test.dtype, "min", x_test.min().item(), "max", x_test.max().item())
print("y_test:", y_test.shape, y_test.dtype)

# %%
class Network:

    def __init__(self):
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.dense = nn.Linear(10 * 11 * 11, 10)
        self.z_1 = None
        self.v_1 = None

    def parameters(self):
        return list(self.conv.parameters()) + list(self.dense.parameters())

    def __call__(self, x):
        n = 1 if x.dim() == 1 else x.shape[0]
        self.z_1 = self.conv(x.reshape(n, 1, 28, 28))
        self.v_1 = torch.maximum(self.z_1, torch.tensor(0.0))
        return self.dense(self.v_1.reshape(n, -1))

net = Network()
loss_function = nn.CrossEntropyLoss()
learning_rate = 0.01

def sgd_step(params, lr):
    for p in params:
        p.data -= lr * p.grad

def clear(params):
    for p in params:
        if p.grad is not None:
            p.grad.zero_()

# %%
def onehot(y):
    t = torch.zeros((y.numel(), 10))
    for row, label in enumerate(y.tolist()):
        t[row][label] = 1.0
    return t

t_train = onehot(y_train)
t_test = onehot(y_test)
print(y_train[0], t_train[0])

# %%
for epoch in range(10):
    losses = []
    for b in range(len(x_train) // 30):
        sl = slice(30 * b, 30 * (b + 1))
        clear(net.parameters())
        y_hat = net(x_train[sl])
        loss = loss_function(y_hat, t_train[sl])
        loss.backward()
        sgd_step(net.parameters(), learning_rate)
        losses.append(loss.item())

    n_hits, test_losses = 0, []
    with torch.no_grad():
        for b in range(0, len(x_test), 50):
            sl = slice(b, b + 50)
            y_hat = net(x_test[sl])
            test_losses.append(loss_function(y_hat, t_test[sl]).item())
            n_hits += hits(y_hat, y_test[sl])
    print(f"#{epoch + 1} L_train={sum(losses) / len(losses):.4f} L_test={sum(test_losses) / len(test_losses):.4f} "
          f"accuracy={n_hits}/{len(x_test)} ({n_hits / len(x_test) * 100:.1f}%)")

# %%
x = x_test[1]
net(x)
plot_filters(x, net.conv.weight, net.z_1, net.v_1)
