# kind: module
# style: a script with main(), Sequential inside a class, DataLoader that shuffles, one-hot by an identity matrix
import matplotlib.pyplot as plt
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import read_npz

EPOCHS = 10
BATCH_SIZE = 30
LEARNING_RATE = 0.01


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 10, kernel_size=8, stride=2), nn.ReLU())
        self.classifier = nn.Linear(10 * 11 * 11, 10)

    def forward(self, images):
        maps = self.features(images.view(images.size(0), 1, 28, 28))
        return self.classifier(torch.flatten(maps, 1))


def train_one_epoch(net, loader, loss_fn, optimizer):
    net.train()
    total = 0.0
    for images, labels in loader:
        one_hot = torch.eye(10)[labels]
        optimizer.zero_grad()
        outputs = net(images)
        loss = loss_fn(outputs, one_hot)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(images)
    return total / len(loader.dataset)


def test(net, loader, loss_fn):
    net.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for images, labels in loader:
            outputs = net(images)
            loss = loss_fn(outputs, torch.eye(10)[labels])
            total += loss.item() * len(images)
            correct += (outputs.argmax(dim=1) == labels).sum().item()
    return total / len(loader.dataset), correct / len(loader.dataset)


def show_filters(net):
    filters = net.features[0].weight.detach().squeeze(1).numpy()
    figure, axes = plt.subplots(1, 10, figsize=(15, 2))
    for axis, image in zip(axes, filters):
        axis.imshow(image, cmap="viridis")
        axis.axis("off")
    figure.savefig("filters.png")


def main():
    X_train, y_train = read_npz("data/train.npz")
    X_test, y_test = read_npz("data/test.npz")
    for name, tensor in (("X_train", X_train), ("y_train", y_train), ("X_test", X_test), ("y_test", y_test)):
        print(name, tuple(tensor.shape))

    train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=BATCH_SIZE, shuffle=True)
    test_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=BATCH_SIZE)

    net = Network()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE)
    for epoch in range(EPOCHS):
        train_loss = train_one_epoch(net, train_loader, loss_fn, optimizer)
        test_loss, accuracy = test(net, test_loader, loss_fn)
        print(f"[{epoch + 1:2d}/{EPOCHS}] train_loss={train_loss:.4f} test_loss={test_loss:.4f} test_acc={accuracy:.2%}")
    show_filters(net)


if __name__ == "__main__":
    main()
