# kind: module
# style: SGD with foreach=True, gradient clipping, a StepLR scheduler, weights initialised by model.apply, a running printout with carriage returns
import sys

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import read_npz


def initialise(layer):
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.pipeline = nn.Sequential(self.conv, nn.ReLU(), nn.Flatten(), nn.Linear(1210, 10))
        self.apply(initialise)

    def forward(self, x):
        return self.pipeline(x.view(-1, 1, 28, 28))


def progress(epoch, step, steps, loss):
    filled = 30 * step // steps
    sys.stdout.write(f"\rEpoch {epoch:2d} [{'=' * filled}{'.' * (30 - filled)}] {step}/{steps} loss {loss:.4f}")
    sys.stdout.flush()


def main():
    torch.manual_seed(0)
    x, y = read_npz("data/train.npz")
    xt, yt = read_npz("data/test.npz")
    print("Shapes:", *(tuple(t.shape) for t in (x, y, xt, yt)), sep="\n  ")

    train = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
    net = Digits()
    cost = nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(net.parameters(), lr=0.015, momentum=0.5, foreach=True)
    scheduler = StepLR(sgd, step_size=4, gamma=0.7)

    for epoch in range(1, 11):
        net.train()
        mean = 0.0
        for step, (images, digits) in enumerate(train, 1):
            sgd.zero_grad()
            error = cost(net(images), nn.functional.one_hot(digits, 10).float())
            error.backward()
            clip_grad_norm_(net.parameters(), max_norm=5.0)
            sgd.step()
            mean += (error.item() - mean) / step
            if step % 20 == 0 or step == len(train):
                progress(epoch, step, len(train), mean)
        scheduler.step()

        net.eval()
        with torch.no_grad():
            scores = [net(part) for part in xt.chunk(10)]
            scores = torch.cat(scores)
            test_error = cost(scores, nn.functional.one_hot(yt, 10).float()).item()
            accuracy = (scores.argmax(-1) == yt).double().mean().item()
        sys.stdout.write(f" | test loss {test_error:.4f} | test accuracy {100 * accuracy:.2f} % | lr now {scheduler.get_last_lr()[0]:.5f}\n")

    kernels = net.conv.weight.data.clone().squeeze()
    low, high = kernels.min().item(), kernels.max().item()
    fig, ax = plt.subplots(2, 5, sharex=True, sharey=True)
    for i, kernel in enumerate(kernels):
        picture = ax[i // 5, i % 5].imshow(kernel, vmin=low, vmax=high, cmap="gray")
    fig.colorbar(picture, ax=ax.ravel().tolist())
    plt.show()


if __name__ == "__main__":
    main()
