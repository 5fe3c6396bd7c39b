# kind: folder
# style: the main file is submission.py; a config.py of constants imported with *, a utils.py, a networks.py
# file: config.py
TRAIN_FILE = "data/train.npz"
TEST_FILE = "data/test.npz"
N_EPOCHS = 10
BATCH_SIZE = 30
LEARNING_RATE = 0.01
MOMENTUM = 0.5
FILTERS = 10
FILTER_SIZE = 8
STRIDE = 2
N_CLASSES = 10
IMAGE_SIZE = 28
SEED = 1
# file: networks.py
import torch.nn as nn
import torch.nn.functional as F

from config import *


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        size = (IMAGE_SIZE - FILTER_SIZE) // STRIDE + 1
        self.conv1 = nn.Conv2d(1, FILTERS, FILTER_SIZE, STRIDE)
        self.fc1 = nn.Linear(FILTERS * size * size, N_CLASSES)

    def forward(self, x, return_maps=False):
        batch = x.numel() // (IMAGE_SIZE * IMAGE_SIZE)
        z1 = self.conv1(x.reshape(batch, 1, IMAGE_SIZE, IMAGE_SIZE))
        v1 = F.relu(z1)
        logits = self.fc1(v1.reshape(batch, -1))
        return (logits, z1, v1) if return_maps else logits
# file: utils.py
import random

import numpy as np
import torch


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def one_hot(y, classes):
    out = np.zeros((len(y), classes), dtype=np.float32)
    out[np.arange(len(y)), y.numpy()] = 1
    return torch.tensor(out)


def batch_indices(n, size, shuffle):
    index = list(range(n))
    if shuffle:
        random.shuffle(index)
    return [index[i:i + size] for i in range(0, n, size)]


class AverageMeter:
    def __init__(self):
        self.reset()

    def reset(self):
        self.sum = 0.0
        self.count = 0

    def update(self, value, n=1):
        self.sum += value * n
        self.count += n

    @property
    def avg(self):
        return self.sum / max(self.count, 1)
# file: submission.py
import torch
import torch.nn as nn
import torch.optim as optim

import utils
from config import *
from helper_functions import hits, plot_filters, read_npz
from networks import Network

utils.seed_everything(SEED)

x_train, y_train = read_npz(TRAIN_FILE)
x_test, y_test = read_npz(TEST_FILE)
print("Training set:", x_train.shape, y_train.shape)
print("Testing set: ", x_test.shape, y_test.shape)

network = Network()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

for epoch in range(1, N_EPOCHS + 1):
    train_loss, train_acc = utils.AverageMeter(), utils.AverageMeter()
    network.train()
    for index in utils.batch_indices(len(x_train), BATCH_SIZE, shuffle=True):
        x, y = x_train[index], y_train[index]
        logits = network(x)
        loss = criterion(logits, utils.one_hot(y, N_CLASSES))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss.update(loss.item(), len(index))
        train_acc.update(hits(logits, y) / len(index), len(index))

    test_loss, test_acc = utils.AverageMeter(), utils.AverageMeter()
    network.eval()
    with torch.no_grad():
        for index in utils.batch_indices(len(x_test), BATCH_SIZE, shuffle=False):
            x, y = x_test[index], y_test[index]
            logits = network(x)
            test_loss.update(criterion(logits, utils.one_hot(y, N_CLASSES)).item(), len(index))
            test_acc.update(hits(logits, y) / len(index), len(index))

    print(f"Epoch {epoch:2d} | Train: {train_loss.avg:.4f} ({train_acc.avg:.2%}) | Test: {test_loss.avg:.4f} ({test_acc.avg:.2%})")

with torch.no_grad():
    _, z_1, v_1 = network(x_test[0], return_maps=True)
plot_filters(x_test[0], network.conv1.weight, z_1, v_1)
