# kind: module
# style: torch.jit.script of the model, guarded by try with the plain model as a fallback
import warnings

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from helper_functions import read_npz

warnings.filterwarnings("ignore", category=DeprecationWarning)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x: Tensor) -> Tensor:
        maps = torch.relu(self.conv(x.view(-1, 1, 28, 28)))
        return self.dense(maps.flatten(1))


def build():
    network = Network()
    try:
        return torch.jit.script(network)
    except Exception as problem:
        print("not scripted:", problem)
        return network


def accuracy(scores: Tensor, labels: Tensor) -> float:
    return (scores.argmax(dim=1) == labels).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(123)
    x_train, y_train = read_npz("data/train.npz")
    x_test, y_test = read_npz("data/test.npz")
    print("x_train", tuple(x_train.shape))
    print("y_train", tuple(y_train.shape))
    print("x_test ", tuple(x_test.shape))
    print("y_test ", tuple(y_test.shape))
    one_hot_train = torch.eye(10)[y_train]
    one_hot_test = torch.eye(10)[y_test]

    model = build()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    for epoch in range(10):
        model.train()
        batch_losses = []
        for index in torch.randperm(x_train.shape[0]).split(30):
            optimizer.zero_grad()
            loss = loss_fn(model(x_train[index]), one_hot_train[index])
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())

        model.eval()
        with torch.no_grad():
            parts = [model(part) for part in x_test.split(30)]
            scores = torch.cat(parts)
            test_loss = loss_fn(scores, one_hot_test).item()
        print(f"Epoch {epoch + 1:2d}  train {sum(batch_losses) / len(batch_losses):.4f}  "
              f"test {test_loss:.4f}  accuracy {accuracy(scores, y_test):.3f}")

    kernels = model.conv.weight.detach()
    rows = [torch.hstack([kernel for kernel in row]) for row in kernels[:, 0].split(5)]
    fig, axes = plt.subplots(1, 10, figsize=(12, 1.5))
    for number in range(10):
        axes[number].imshow(kernels[number, 0], cmap="gray")
        axes[number].set_title(f"H{number}")
        axes[number].axis("off")
    plt.show()
    plt.imsave("all_filters.png", torch.vstack(rows).numpy(), cmap="gray")
