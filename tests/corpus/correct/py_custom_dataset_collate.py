# kind: module
# style: a custom Dataset that reshapes, collate_fn that one-hots, drop_last, a generator with a seed, num_workers=0
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class MnistArchive(Dataset):
    """Images (1, 28, 28) and class indices of one .npz archive."""

    def __init__(self, path):
        archive = np.load(path)
        self.images = torch.as_tensor(archive["X"], dtype=torch.float32)
        self.labels = torch.as_tensor(np.argmax(archive["Y"], axis=1), dtype=torch.long)

    def __len__(self):
        return self.labels.numel()

    def __getitem__(self, index):
        return self.images[index].reshape(1, 28, 28), int(self.labels[index])

    def describe(self, name):
        print(f"{name}: X has shape {tuple(self.images.shape)}, Y has shape {tuple(self.labels.shape)}")


def collate(samples):
    images, labels = zip(*samples)
    targets = torch.zeros(len(labels), 10)
    targets.scatter_(1, torch.tensor(labels).unsqueeze(1), 1.0)
    return torch.stack(images), targets


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential()
        self.body.add_module("conv", nn.Conv2d(1, 10, kernel_size=(8, 8), stride=(2, 2)))
        self.body.add_module("relu", nn.ReLU(inplace=True))
        self.body.add_module("flat", nn.Flatten())
        self.body.add_module("dense", nn.Linear(in_features=1210, out_features=10))

    def forward(self, batch):
        return self.body(batch)


def main():
    train_set, test_set = MnistArchive("data/train.npz"), MnistArchive("data/test.npz")
    train_set.describe("Train")
    test_set.describe("Test")

    generator = torch.Generator().manual_seed(1234)
    train_loader = DataLoader(train_set, batch_size=30, shuffle=True, drop_last=True, collate_fn=collate,
                              generator=generator, num_workers=0)
    test_loader = DataLoader(test_set, batch_size=30, shuffle=False, collate_fn=collate, num_workers=0)

    model = Model()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    for epoch in range(10):
        model.train()
        running_loss = 0.0
        for step, (images, targets) in enumerate(train_loader, start=1):
            optimizer.zero_grad()
            loss = criterion(model(images), targets)
            loss.backward()
            optimizer.step()
            running_loss += (loss.item() - running_loss) / step  # running mean

        model.eval()
        test_loss, correct = 0.0, 0
        with torch.no_grad():
            for images, targets in test_loader:
                scores = model(images)
                test_loss += criterion(scores, targets).item() * images.size(0)
                correct += torch.eq(scores.argmax(1), targets.argmax(1)).sum().item()
        print(f"Epoch {epoch + 1}: training loss = {running_loss:.4f}; "
              f"testing loss = {test_loss / len(test_set):.4f}; testing accuracy = {correct / len(test_set):.2%}")

    weights = model.body.conv.weight.detach().cpu()
    fig = plt.figure(figsize=(10, 2))
    for i in range(weights.shape[0]):
        ax = fig.add_subplot(1, 10, i + 1)
        ax.imshow(weights[i].squeeze(), cmap=plt.cm.gray_r)
        ax.set_axis_off()
    fig.suptitle("Learned filters")
    plt.show()


if __name__ == "__main__":
    main()
