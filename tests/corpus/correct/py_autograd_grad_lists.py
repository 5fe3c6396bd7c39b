# kind: module
# style: functional, torch.autograd.grad instead of backward, the gradients handed to torch.optim.SGD as p.grad
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from helper_functions import hits, plot_filters, read_npz


def new_parameters(seed):
    g = torch.Generator().manual_seed(seed)
    H = torch.randn(10, 1, 8, 8, generator=g) * math.sqrt(2 / 64)
    c = torch.zeros(10)
    W = torch.randn(10, 1210, generator=g) / math.sqrt(1210)
    b = torch.zeros(10)
    return [p.requires_grad_() for p in (H, c, W, b)]


def forward(params, x):
    H, c, W, b = params
    z = F.conv2d(x.reshape(-1, 1, 28, 28), H, c, stride=2)
    v = F.relu(z)
    y_hat = F.linear(v.reshape(v.shape[0], -1), W, b)
    return y_hat, z, v


def loss(y_hat, y):
    return F.cross_entropy(y_hat, F.one_hot(y, num_classes=10).float())


def train(params, optimizer, X, Y, batch_size=30):
    mean = 0.0
    for x, y in zip(X.split(batch_size), Y.split(batch_size)):
        value = loss(forward(params, x)[0], y)
        gradients = torch.autograd.grad(value, params)
        for p, g in zip(params, gradients):
            p.grad = g
        optimizer.step()
        optimizer.zero_grad()
        mean += value.item() * len(x) / len(X)
    return mean


def test(params, X, Y):
    with torch.no_grad():
        y_hat, _, _ = forward(params, X)
        return loss(y_hat, Y).item(), hits(y_hat, Y) / len(Y)


def main(epochs=10):
    train_X, train_Y = read_npz("data/train.npz")
    test_X, test_Y = read_npz("data/test.npz")
    print(f"train_X {train_X.shape}, train_Y {train_Y.shape}")
    print(f"test_X {test_X.shape}, test_Y {test_Y.shape}")

    params = new_parameters(seed=0)
    optimizer = torch.optim.SGD(params, lr=0.01)
    for epoch in range(1, epochs + 1):
        train_loss = train(params, optimizer, train_X, train_Y)
        test_loss, accuracy = test(params, test_X, test_Y)
        print(f"Epoch {epoch}: train loss={train_loss:.5f} test loss={test_loss:.5f} accuracy={accuracy * 100:.1f}%")

    with torch.no_grad():
        _, z_1, v_1 = forward(params, test_X[:1])
    plot_filters(test_X[0], params[0], z_1, v_1)
    plt.close("all")


if __name__ == "__main__":
    main()
