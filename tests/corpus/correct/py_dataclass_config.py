# kind: module
# style: frozen dataclass config, two parameter groups with their own learning rates, one JSON line an epoch
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import one_hot, relu

from helper_functions import read_npz


@dataclass(frozen=True)
class Config:
    data: Path = Path("data")
    kernel: int = 8
    stride: int = 2
    maps: int = 10
    classes: int = 10
    batch: int = 30
    epochs: int = 10
    lr_conv: float = 0.02
    lr_dense: float = 0.01
    weight_decay: float = 1e-4
    seed: int = 7

    @property
    def features(self) -> int:
        return self.maps * ((28 - self.kernel) // self.stride + 1) ** 2


class Classifier(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.filters = nn.Conv2d(1, config.maps, config.kernel, stride=config.stride)
        self.head = nn.Linear(config.features, config.classes)

    def forward(self, flat):
        images = flat.unflatten(-1, (1, 28, 28))
        return self.head(relu(self.filters(images)).flatten(1))


def run(config: Config) -> Classifier:
    torch.manual_seed(config.seed)
    X, Y = read_npz(config.data / "train.npz")
    Xt, Yt = read_npz(config.data / "test.npz")
    print(json.dumps({"shapes": {"train_X": list(X.shape), "train_Y": list(Y.shape), "test_X": list(Xt.shape), "test_Y": list(Yt.shape)}}))

    net = Classifier(config)
    objective = nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(
        [
            {"params": net.filters.parameters(), "lr": config.lr_conv},
            {"params": net.head.parameters(), "lr": config.lr_dense},
        ],
        lr=config.lr_dense,
        weight_decay=config.weight_decay,
    )

    T, Tt = (one_hot(labels, config.classes).float() for labels in (Y, Yt))
    for epoch in range(config.epochs):
        net.train()
        permutation = torch.randperm(len(X))
        losses = []
        for rows in permutation.split(config.batch):
            sgd.zero_grad()
            loss = objective(net(X[rows]), T[rows])
            loss.backward()
            sgd.step()
            losses.append(loss.detach())

        net.eval()
        with torch.inference_mode():
            scores = net(Xt)
            record = {
                "epoch": epoch + 1,
                "train_loss": round(torch.stack(losses).mean().item(), 5),
                "test_loss": round(objective(scores, Tt).item(), 5),
                "test_accuracy": round((scores.argmax(1) == Yt).float().mean().item(), 5),
            }
        print(json.dumps(record), flush=True)
    return net


if __name__ == "__main__":
    config = Config()
    print(json.dumps({name: str(value) for name, value in asdict(config).items()}))
    net = run(config)
    bank = net.filters.weight.detach()
    grid = torch.cat([torch.nn.functional.pad(kernel[0], (1, 1, 1, 1), value=float(bank.max())) for kernel in bank], dim=1)
    plt.imsave("filters.png", grid.numpy(), cmap="gray")

    fig, axs = plt.subplots(1, config.maps, figsize=(config.maps, 1.2))
    for ax, kernel in zip(axs, bank):
        ax.matshow(kernel[0].numpy(), cmap="coolwarm")
        ax.set_xticks([])
        ax.set_yticks([])
    fig.savefig("filters_axes.png")
