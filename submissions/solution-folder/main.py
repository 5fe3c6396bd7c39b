import torch
from torch import nn

from helper_functions import plot_filters, read_npz
from model import DigitNet
from settings import EPOCHS, LEARNING_RATE
from training import run_epoch


def describe(name, images, labels):
    print(f"{name} images {list(images.shape)}")
    print(f"{name} labels {list(labels.shape)}")


torch.manual_seed(2024)
train_set = read_npz("data/train.npz")
test_set = read_npz("data/test.npz")
describe("train", *train_set)
describe("test", *test_set)

net = DigitNet()
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE)

for epoch in range(1, EPOCHS + 1):
    train_loss, train_accuracy = run_epoch(net, loss_function, *train_set, optimizer=optimizer)
    test_loss, test_accuracy = run_epoch(net, loss_function, *test_set)
    print(f"epoch {epoch}")
    print(f"    train: loss {train_loss:.4f}, accuracy {100 * train_accuracy:.2f}")
    print(f"    test:  loss {test_loss:.4f}, accuracy {100 * test_accuracy:.2f}")

digit = test_set[0][0]
with torch.no_grad():
    scores, z_1, v_1 = net(digit)
plot_filters(digit, net.conv.weight, z_1, v_1)
