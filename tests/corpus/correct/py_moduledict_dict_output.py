# kind: module
# style: layers in an nn.ModuleDict applied in a loop, forward returns a dict of all activations
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
from helper_functions import read_npz, hits, plot_filters


class CNN(nn.Module):
    def __init__(self, K=10, M=8, stride=2, n_classes=10):
        super().__init__()
        self.layers = nn.ModuleDict({
            "z_1": nn.Conv2d(1, K, M, stride=stride),
            "v_1": nn.ReLU(),
            "u_2": nn.Flatten(),
            "y_hat": nn.Linear(K * 11 * 11, n_classes),
        })

    def forward(self, x):
        out = {"x": x.view(-1, 1, 28, 28)}
        current = out["x"]
        for name, layer in self.layers.items():
            current = layer(current)
            out[name] = current
        return out


def batches(X, Y, size, shuffle=False):
    idx = np.random.permutation(len(X)) if shuffle else np.arange(len(X))
    for start in range(0, len(X), size):
        chosen = torch.from_numpy(idx[start:start + size])
        yield X[chosen], Y[chosen]


def phase(model, criterion, X, Y, size, optimizer=None):
    """Trains when an optimizer is given, else only measures."""
    training = optimizer is not None
    model.train(training)
    total_loss = total_hits = 0
    with torch.set_grad_enabled(training):
        for x, y in batches(X, Y, size, shuffle=training):
            out = model(x)
            loss = criterion(out["y_hat"], torch.eye(10)[y])
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total_loss += loss.item() * len(x)
            total_hits += hits(out["y_hat"], y)
    return total_loss / len(X), total_hits / len(X)


np.random.seed(3)
torch.manual_seed(3)

trX, trY = read_npz('data/train.npz')
teX, teY = read_npz('data/test.npz')
for what, X, Y in [('training', trX, trY), ('testing', teX, teY)]:
    print(f'{what:10s} X {list(X.shape)}  Y {list(Y.shape)}')

model = CNN()
print(model)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)

curves = []
for epoch in range(10):
    tr = phase(model, criterion, trX, trY, 30, optimizer)
    te = phase(model, criterion, teX, teY, 30)
    curves.append((*tr, *te))
    print('epoch %2d   training: loss %.4f, accuracy %.3f   test: loss %.4f, accuracy %.3f' % (epoch + 1, *tr, *te))

curves = np.array(curves)
plt.figure()
plt.plot(curves[:, 0], label='train loss')
plt.plot(curves[:, 2], label='test loss')
plt.legend()
plt.show()

with torch.no_grad():
    out = model(teX[7:8])
plot_filters(teX[7], model.layers["z_1"].weight, out["z_1"], out["v_1"])
