# kind: module
# style: gradient accumulation: three micro batches of ten, each loss / 3, then one step; the test set in parts of 100
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt

from helper_functions import read_npz

BATCH_SIZE = 30
MICRO_BATCH_SIZE = 10
ACCUMULATION = BATCH_SIZE // MICRO_BATCH_SIZE
NUM_EPOCHS = 10


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, kernel_size=8, stride=2)
        self.fc = nn.Linear(10 * 11 * 11, 10)

    def forward(self, x):
        h = F.relu(self.conv(x))
        return self.fc(h.view(h.size(0), -1))


def main():
    X_train, y_train = read_npz("data/train.npz")
    X_test, y_test = read_npz("data/test.npz")
    print("X_train.shape =", X_train.shape)
    print("y_train.shape =", y_train.shape)
    print("X_test.shape =", X_test.shape)
    print("y_test.shape =", y_test.shape)

    # all images as (N, 1, 28, 28) from here on
    X_train = X_train.reshape(-1, 1, 28, 28)
    X_test = X_test.reshape(-1, 1, 28, 28)
    t_train = F.one_hot(y_train, num_classes=10).float()
    t_test = F.one_hot(y_test, num_classes=10).float()

    model = SmallCNN()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    for epoch in range(NUM_EPOCHS):
        perm = torch.randperm(X_train.size(0))
        micro = perm.split(MICRO_BATCH_SIZE)
        train_loss = 0.0
        optimizer.zero_grad()
        for i, idx in enumerate(micro):
            logits = model(X_train[idx])
            loss = criterion(logits, t_train[idx]) / ACCUMULATION
            loss.backward()
            train_loss += loss.item()
            if (i + 1) % ACCUMULATION == 0 or i + 1 == len(micro):
                optimizer.step()
                optimizer.zero_grad()
        train_loss /= len(micro) / ACCUMULATION

        test_loss, correct = 0.0, 0
        with torch.no_grad():
            for x, t, y in zip(X_test.split(100), t_test.split(100), y_test.split(100)):
                logits = model(x)
                test_loss += criterion(logits, t).item() * len(x)
                correct += (logits.argmax(1) == y).sum().item()
        print(f"epoch {epoch + 1}/{NUM_EPOCHS}: train loss {train_loss:.4f} - "
              f"test loss {test_loss / len(X_test):.4f} - test acc {correct / len(X_test):.4f}")

    filters = model.conv.weight.detach().cpu().numpy()[:, 0]
    fig, axes = plt.subplots(2, 5, figsize=(10, 4))
    for i, ax in enumerate(axes.flat):
        ax.imshow(filters[i], cmap="gray")
        ax.set_title(f"Filter {i}")
        ax.axis("off")
    plt.tight_layout()
    plt.savefig("filters.png")


if __name__ == "__main__":
    main()
