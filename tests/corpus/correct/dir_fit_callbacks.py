# kind: folder
# style: a fit() function with a list of callbacks; a callback evaluates and prints, another plots at the end
# file: callbacks.py
import matplotlib.pyplot as plt
import torch

from helper_functions import hits, plot_filters


class Callback:
    def on_train_begin(self, state): pass
    def on_epoch_begin(self, state): pass
    def on_batch_end(self, state): pass
    def on_epoch_end(self, state): pass
    def on_train_end(self, state): pass


class TrainMeter(Callback):
    def on_epoch_begin(self, state):
        self.loss, self.n = 0.0, 0

    def on_batch_end(self, state):
        self.loss += state["loss"] * state["size"]
        self.n += state["size"]

    def on_epoch_end(self, state):
        state["log"]["train_loss"] = self.loss / self.n


class Evaluate(Callback):
    """The test phase."""

    def __init__(self, loader):
        self.loader = loader

    def on_epoch_end(self, state):
        model, criterion = state["model"], state["criterion"]
        model.eval()
        loss, correct, n = 0.0, 0, 0
        with torch.no_grad():
            for x, t in self.loader:
                y_hat = model(x)
                loss += criterion(y_hat, t).item() * len(x)
                correct += hits(y_hat, t.argmax(1))
                n += len(x)
        model.train()
        state["log"].update(test_loss=loss / n, test_acc=correct / n)


class Printer(Callback):
    def on_epoch_end(self, state):
        values = " - ".join(f"{name}: {value:.4f}" for name, value in state["log"].items())
        print(f"Epoch {state['epoch'] + 1}/{state['epochs']} - {values}")


class FilterPlot(Callback):
    def __init__(self, image):
        self.image = image

    def on_train_end(self, state):
        model = state["model"]
        with torch.no_grad():
            z_1 = model[1](model[0](self.image[None]))
            v_1 = model[2](z_1)
        plot_filters(self.image, model[1].weight, z_1, v_1)
        plt.close()
# file: fit.py
def fit(model, loader, criterion, optimizer, epochs, callbacks=()):
    state = {"model": model, "criterion": criterion, "epochs": epochs, "log": {}}

    def fire(event):
        for callback in callbacks:
            getattr(callback, event)(state)

    fire("on_train_begin")
    for state["epoch"] in range(epochs):
        state["log"] = {}
        fire("on_epoch_begin")
        for x, t in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            optimizer.step()
            state["loss"], state["size"] = loss.item(), len(x)
            fire("on_batch_end")
        fire("on_epoch_end")
    fire("on_train_end")
    return model
# file: main.py
from collections import OrderedDict

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from callbacks import Evaluate, FilterPlot, Printer, TrainMeter
from fit import fit
from helper_functions import read_npz


def dataset(path):
    X, Y = read_npz(path)
    print(path, "X", tuple(X.shape), "Y", tuple(Y.shape))
    return TensorDataset(X, nn.functional.one_hot(Y, 10).float())


train, test = dataset("data/train.npz"), dataset("data/test.npz")
model = nn.Sequential(OrderedDict(
    image=nn.Unflatten(1, (1, 28, 28)),
    conv=nn.Conv2d(1, 10, 8, stride=2),
    relu=nn.ReLU(),
    flatten=nn.Flatten(),
    dense=nn.Linear(1210, 10),
))
fit(
    model,
    DataLoader(train, batch_size=30, shuffle=True),
    nn.CrossEntropyLoss(),
    torch.optim.SGD(model.parameters(), lr=0.01),
    epochs=10,
    callbacks=[TrainMeter(), Evaluate(DataLoader(test, batch_size=100)), Printer(), FilterPlot(test[0][0])],
)
