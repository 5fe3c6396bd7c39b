# kind: module
# style: the student's own subclass of torch.optim.Optimizer that does plain SGD; first the images, then the loop, in functions
"""CNN for MNIST with a hand-written gradient descent."""
import torch
from torch import nn
from torch.optim import Optimizer
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits


class GradientDescent(Optimizer):
    r"""theta <- theta - alpha * gradient"""

    def __init__(self, params, alpha=0.01):
        if alpha <= 0:
            raise ValueError(f"alpha must be positive, not {alpha}")
        super().__init__(params, dict(alpha=alpha))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for theta in group["params"]:
                if theta.grad is None:
                    continue
                theta.add_(theta.grad, alpha=-group["alpha"])
        return loss


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 10, 8, stride=2)
        self.rectify = nn.ReLU()
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        return self.dense(self.rectify(self.convolution(x)).view(x.size(0), -1))


def load(name):
    X, Y = read_npz(f"data/{name}.npz")
    print(f"{name}: {tuple(X.shape)} and {tuple(Y.shape)}")
    return X.reshape(-1, 1, 28, 28), Y, nn.functional.one_hot(Y, 10).float()


def learn(net, loss, optimizer, X, Y, T):
    total = 0.0
    right = 0
    for start in range(0, len(X), 30):
        part = slice(start, start + 30)
        optimizer.zero_grad()
        scores = net(X[part])
        cost = loss(scores, T[part])
        cost.backward()
        optimizer.step()
        total += float(cost.detach()) * len(scores)
        right += hits(scores, Y[part])
    return total / len(X), right / len(X)


@torch.no_grad()
def check(net, loss, X, Y, T):
    total = 0.0
    right = 0
    for start in range(0, len(X), 30):
        part = slice(start, start + 30)
        scores = net(X[part])
        total += float(loss(scores, T[part])) * len(scores)
        right += hits(scores, Y[part])
    return total / len(X), right / len(X)


def show(weight):
    for k in range(weight.size(0)):
        plt.subplot(1, 10, k + 1)
        plt.axis("off")
        plt.imshow(weight[k, 0].cpu().numpy(), cmap="RdBu")
    plt.savefig("filters.svg")


def main():
    torch.manual_seed(11)
    train, test = load("train"), load("test")
    net = Cnn()
    loss = nn.CrossEntropyLoss()
    optimizer = GradientDescent(net.parameters(), alpha=0.01)
    print("epoch  loss    acc     test loss  test acc")
    for epoch in range(1, 11):
        print("%5d  %.4f  %.4f  " % (epoch, *learn(net, loss, optimizer, *train)), end="")
        print("%.4f     %.4f" % check(net, loss, *test))
    show(net.convolution.weight.detach())


main()
