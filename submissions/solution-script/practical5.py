"""Practical 5: MNIST and CNNs in PyTorch."""

import torch
from helper_functions import hits, plot_filters, read_npz
from torch import nn
from torch.nn import functional as F

EPOCHS = 10
BATCH_SIZE = 30
LEARNING_RATE = 0.01


class MnistCnn(nn.Module):
    """Convolution (10 kernels, 8x8, stride 2) -> ReLU -> dense layer with 10 outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 10, kernel_size=8, stride=2)
        self.dense = nn.LazyLinear(10)  # finds the 11 * 11 * 10 = 1210 inputs by itself

    def activations(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        return z_1, F.relu(z_1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, v_1 = self.activations(x)
        return self.dense(v_1.flatten(start_dim=1))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, X: torch.Tensor, Y: torch.Tensor) -> tuple[float, float]:
    """One epoch; returns the mean loss and the share of correct predictions."""
    loss_sum, hit_count = 0.0, 0
    for x, y in zip(X.split(BATCH_SIZE), Y.split(BATCH_SIZE)):
        optimizer.zero_grad()
        y_hat = model(x)
        loss = F.cross_entropy(y_hat, F.one_hot(y, 10).float())
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(y)
        hit_count += hits(y_hat, y)
    return loss_sum / len(Y), hit_count / len(Y)


@torch.inference_mode()
def test(model: nn.Module, X: torch.Tensor, Y: torch.Tensor) -> tuple[float, float]:
    """Mean loss and share of correct predictions on data that is not for training."""
    loss_sum, hit_count = 0.0, 0
    for x, y in zip(X.split(200), Y.split(200)):
        y_hat = model(x)
        loss_sum += F.cross_entropy(y_hat, F.one_hot(y, 10).float(), reduction="sum").item()
        hit_count += hits(y_hat, y)
    return loss_sum / len(Y), hit_count / len(Y)


def main() -> None:
    torch.manual_seed(1)
    train_X, train_Y = read_npz("data/train.npz")
    test_X, test_Y = read_npz("data/test.npz")
    print(f"training set: {tuple(train_X.shape)}, {tuple(train_Y.shape)}")
    print(f"test set: {tuple(test_X.shape)}, {tuple(test_Y.shape)}")

    model = MnistCnn()
    print("one image gives logits of shape", tuple(model(train_X[0]).shape))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(1, EPOCHS + 1):
        loss, accuracy = train(model, optimizer, train_X, train_Y)
        test_loss, test_accuracy = test(model, test_X, test_Y)
        print(
            f"Epoch {epoch:>2} Loss: {loss:.4f} Accuracy: {accuracy:.2%} "
            f"Test Loss: {test_loss:.4f} Test Accuracy: {test_accuracy:.2%}"
        )

    with torch.no_grad():
        z_1, v_1 = model.activations(test_X[0])
    plot_filters(test_X[0], model.conv.weight, z_1, v_1)


if __name__ == "__main__":
    main()
