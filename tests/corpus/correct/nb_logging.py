# kind: notebook
# style: everything through the logging module (stderr), main() behind a __name__ guard in a cell, functools and pathlib
# %%
import logging
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from helper_functions import hits, read_npz

log = logging.getLogger("practical5")
log.setLevel(logging.INFO)
if not log.handlers:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
log.propagate = False

# %%
DATA = Path("data")
encode = partial(F.one_hot, num_classes=10)

def load():
    sets = {}
    for part in ("train", "test"):
        X, Y = read_npz(DATA / f"{part}.npz")
        log.info("%s: X %s, Y %s", part, tuple(X.shape), tuple(Y.shape))
        sets[part] = X, Y
    return sets

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolve = nn.Conv2d(1, 10, 8, stride=2)
        self.classify = nn.Linear(1210, 10)

    def forward(self, x):
        v = self.convolve(x.unflatten(1, (1, 28, 28))).clamp_min(0)
        return self.classify(v.flatten(1))

# %%
def run(model, X, Y, optimizer=None, size=30):
    """One pass over a set; learns if there is an optimizer."""
    loss_sum, good = 0.0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for start in range(0, len(X), size):
            x, y = X[start:start + size], Y[start:start + size]
            out = model(x)
            loss = F.cross_entropy(out, encode(y).float())
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(x)
            good += hits(out, y)
    return loss_sum / len(X), good / len(X)

# %%
def main():
    data = load()
    model = CNN()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(1, 11):
        log.info("epoch %d: train loss %.4f accuracy %.4f", epoch, *run(model, *data["train"], optimizer))
        log.info("epoch %d: test loss %.4f accuracy %.4f", epoch, *run(model, *data["test"]))
    return model

# %%
if __name__ == "__main__":
    model = main()

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 5, sharex=True, sharey=True)
    for axis, kernel in zip(axes.flat, model.convolve.weight.detach().squeeze()):
        axis.pcolormesh(kernel, cmap="gray")
        axis.set_aspect("equal")
        axis.axis("off")
    axes[0, 0].invert_yaxis()      # shared: row 0 on top, as imshow has it
    plt.show()
