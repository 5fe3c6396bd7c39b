# kind: folder
# style: the student's own layer classes (Parameter and functional calls) with a common base, put together in an nn.ModuleList
# file: layers.py
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import Parameter


class Layer(nn.Module):
    def reset(self, fan_in):
        bound = 1 / math.sqrt(fan_in)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)


class Convolution(Layer):
    def __init__(self, kernels, size, stride):
        super().__init__()
        self.stride = stride
        self.kernels = Parameter(torch.empty(kernels, 1, size, size))
        self.bias = Parameter(torch.empty(kernels))
        self.reset(size * size)

    def forward(self, x):
        return F.conv2d(x, self.kernels, bias=self.bias, stride=self.stride)


class Rectifier(Layer):
    def forward(self, z):
        return z * (z > 0)


class Dense(Layer):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = Parameter(torch.empty(inputs, outputs))
        self.bias = Parameter(torch.empty(outputs))
        self.reset(inputs)

    def forward(self, v):
        u = torch.flatten(v, start_dim=1)
        return torch.addmm(self.bias, u, self.weight)
# file: network.py
from torch import nn

from layers import Convolution, Dense, Rectifier


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = nn.ModuleList([Convolution(10, 8, 2), Rectifier(), Dense(11 * 11 * 10, 10)])

    def forward(self, x):
        outputs = [x.reshape(-1, 1, 28, 28)]
        for layer in self.stack:
            outputs.append(layer(outputs[-1]))
        return outputs[1:]

    @property
    def kernels(self):
        return self.stack[0].kernels
# file: main.py
import torch
from torch import nn

from helper_functions import hits, plot_filters, read_npz
from network import Network

X, Y = read_npz("data/train.npz")
X_new, Y_new = read_npz("data/test.npz")
for label, array in [("X train", X), ("Y train", Y), ("X test", X_new), ("Y test", Y_new)]:
    print(f"{label:8}{'x'.join(str(n) for n in array.shape)}  {array.shape}")

network = Network()
objective = nn.CrossEntropyLoss()
descent = torch.optim.SGD(network.parameters(), lr=0.01)
code = torch.eye(10)

print(f"{'epoch':>5} {'train':>8} {'test':>8} {'accuracy':>9}")
for epoch in range(10):
    total = 0
    for i in torch.randperm(len(X)).view(-1, 30) if len(X) % 30 == 0 else torch.randperm(len(X)).split(30):
        z_1, v_1, y_hat = network(X[i])
        loss = objective(y_hat, code[Y[i]])
        descent.zero_grad()
        loss.backward()
        descent.step()
        total += loss.item() * len(i)

    new_total, new_hits = 0, 0
    with torch.no_grad():
        for x, y in zip(torch.split(X_new, 30), torch.split(Y_new, 30)):
            *_, y_hat = network(x)
            new_total += objective(y_hat, code[y]).item() * len(x)
            new_hits += hits(y_hat, y)
    print(f"{epoch + 1:5d} {total / len(X):8.4f} {new_total / len(X_new):8.4f} {new_hits / len(X_new):9.4f}")

with torch.no_grad():
    z_1, v_1, _ = network(X_new[0])
plot_filters(X_new[0], network.kernels, z_1, v_1)
