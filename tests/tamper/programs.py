"""One right program, and the mistakes that are edited into it: what the tampering starts from."""

from __future__ import annotations

from collections.abc import Iterable

from tests.edits import edited

RIGHT = """\
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import pyplot as plt
from torch import nn

train, test = np.load("data/train.npz"), np.load("data/test.npz")
X, Y = torch.from_numpy(train["X"]), torch.from_numpy(train["Y"]).float()
X_test, Y_test = torch.from_numpy(test["X"]), torch.from_numpy(test["Y"]).float()
print(X.shape, Y.argmax(1).shape, X_test.shape, Y_test.argmax(1).shape)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        z = self.conv(x.reshape(-1, 1, 28, 28))
        v = F.relu(z)
        y_hat = self.dense(v.flatten(1))
        return y_hat


def test_model():
    loss_sum, hits = 0.0, 0
    with torch.no_grad():
        for x, y in zip(X_test.split(20), Y_test.split(20)):
            scores = model(x)
            loss_sum += F.cross_entropy(scores, y, reduction="sum").item()
            hits += (scores.argmax(1) == y.argmax(1)).sum().item()
    return loss_sum / len(X_test), hits / len(X_test)


model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.012)
untrained = model.conv.weight.detach().clone()
for epoch in range(10):
    for x, y in zip(X.split(30), Y.split(30)):
        optimizer.zero_grad()
        y_hat = model(x)
        loss = F.cross_entropy(y_hat, y)
        loss.backward()
        optimizer.step()
    test_loss, accuracy = test_model()
    print(f"epoch {epoch + 1}: test loss {test_loss:.4f}, test accuracy {accuracy:.2%}")

figure, axes = plt.subplots(2, 5)
for axis, kernel in zip(axes.flat, model.conv.weight.detach()):
    axis.imshow(kernel[0])
plt.show()
"""

Edit = tuple[str, str]

_LOSS = "loss = F.cross_entropy(y_hat, y)"
_RELU = "v = F.relu(z)"
_TEST = "    test_loss, accuracy = test_model()\n"
_REPORT = '    print(f"epoch {epoch + 1}: test loss {test_loss:.4f}, test accuracy {accuracy:.2%}")\n'

# One mistake each; every edit fits exactly once.
FAULTS: dict[str, tuple[Edit, ...]] = {
    "no test set": (("X_test, Y_test = torch.from_numpy(test[\"X\"]), torch.from_numpy(test[\"Y\"]).float()",
                     "X_test, Y_test = X[:20], Y[:20]"), (', np.load("data/test.npz")', ", None")),
    "test set opened alone": (("X_test, Y_test = torch.from_numpy(test[\"X\"]), torch.from_numpy(test[\"Y\"]).float()",
                               "X_test, Y_test = X[:20], Y[:20]"),),
    "shapes not shown": (("print(X.shape, Y.argmax(1).shape, X_test.shape, Y_test.argmax(1).shape)\n", ""),),
    "stride 1": (("stride=2", "stride=1"), ("1210", "4410")),
    "padding 2": (("stride=2", "stride=2, padding=2"), ("1210", "1690")),
    "kernel 5": (("10, 8, stride=2", "10, 5, stride=2"), ("1210", "1440")),
    "no activation": ((_RELU, "v = z"),),
    "sigmoid": ((_RELU, "v = torch.sigmoid(z)"),),
    "20 classes": (("1210, 10", "1210, 20"), (_LOSS, "loss = F.cross_entropy(y_hat, y.argmax(1))"),
                   ("F.cross_entropy(scores, y, ", "F.cross_entropy(scores, y.argmax(1), ")),
    "transposed": (("x.reshape(-1, 1, 28, 28)", "x.reshape(-1, 1, 28, 28).transpose(2, 3)"),),
    "kernel too large": (("10, 8, stride=2", "10, 32, stride=2"),),
    "activation discarded": ((_RELU, "F.relu(z)"), ("v.flatten(1)", "z.flatten(1)")),
    "batch mixed": (("v.flatten(1)", "v.reshape(10 * len(x), 121)"),
                    ("nn.Linear(1210, 10)", "nn.Linear(121, 10, bias=False)"),
                    ("        return y_hat", "        return y_hat.reshape(len(x), 10, 10).sum(1)")),
    "batch mixed, with bias": (("v.flatten(1)", "v.reshape(10 * len(x), 121)"),
                               ("nn.Linear(1210, 10)", "nn.Linear(121, 10)"),
                               ("        return y_hat", "        return y_hat.reshape(len(x), 10, 10).sum(1)")),
    "double softmax": (("return y_hat", "return y_hat.softmax(1)"),),
    "squared error": ((_LOSS, "loss = F.mse_loss(y_hat, y)"),),
    "Adam": (("torch.optim.SGD(model.parameters(), lr=0.012)", "torch.optim.Adam(model.parameters(), lr=0.002)"),),
    "dense parameters only": (("SGD(model.parameters()", "SGD(model.dense.parameters()"),),
    "index targets": ((_LOSS, "loss = F.cross_entropy(y_hat, y.argmax(1))"),),
    "misaligned targets": ((_LOSS, "loss = F.cross_entropy(y_hat, y.roll(1, 0))"),),
    "turned gradient": (("untrained = ", "model.dense.weight.register_hook(lambda g: -g)\nuntrained = "),),
    "half of the images": (("X.split(30), Y.split(30)", "X[: len(X) // 2].split(30), Y.split(30)"),),
    "5 epochs": (("range(10)", "range(5)"),),
    "3 epochs": (("range(10)", "range(3)"),),
    "no step": (("        optimizer.step()\n", ""),),
    "no zero_grad": (("        optimizer.zero_grad()\n", ""), ("lr=0.012", "lr=0.001")),
    "no test phase": ((_TEST, ""), (_REPORT, "")),
    "tests on training images": (("zip(X_test.split(20), Y_test.split(20))",
                                  "zip(X[: len(X_test)].split(20), Y[: len(X_test)].split(20))"),),
    "learns from the test set": (("    test_loss, ", "    for x, y in zip(X_test.split(30), Y_test.split(30)):\n"
                                  "        optimizer.zero_grad()\n        F.cross_entropy(model(x), y).backward()\n"
                                  "        optimizer.step()\n    test_loss, "),),
    "nothing reported": ((_REPORT, ""),),
    "false loss": (("test loss {test_loss:.4f}, test accuracy {accuracy:.2%}", "test loss 0.0123"),),
    "no plot": (("for axis, kernel in zip(axes.flat, model.conv.weight.detach()):\n    axis.imshow(kernel[0])\n", ""),),
    "untrained kernels": (("zip(axes.flat, model.conv.weight.detach())", "zip(axes.flat, untrained)"),
                          ("lr=0.012", "lr=0.05")),
    "hardly learns": (("lr=0.012", "lr=0.0001"),),
    "crashes in the test phase": (("return loss_sum / len(X_test)", "return loss_sum / len(images)"),),
    "crashes in the plot": (("axis.imshow(kernel[0])", "axis.imshow(kernels[0])"),),
}  # fmt: skip


def program(faults: Iterable[str] = (), *edits: Edit) -> str:
    """The right program with these mistakes and edits; an edit that does not fit exactly once is an error."""
    return edited(RIGHT, [*(edit for fault in faults for edit in FAULTS[fault]), *edits])
