# kind: module
# style: own np.load, pixels standardised by mean and std of the training set, numpy shuffle each epoch, the test set in one big batch
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn


def load_data(path):
    with np.load(path) as f:
        X, Y = f["X"].astype("float32"), f["Y"].astype("float32")
    return X, Y


X_train, Y_train = load_data("data/train.npz")
X_test, Y_test = load_data("data/test.npz")

print("Number of training examples:", X_train.shape[0])
print("X_train shape:", X_train.shape)
print("labels train shape:", Y_train.argmax(axis=1).shape)
print("one-hot train shape:", Y_train.shape)
print("Number of test examples:", X_test.shape[0])
print("X_test shape:", X_test.shape)
print("labels test shape:", Y_test.argmax(axis=1).shape)
print("one-hot test shape:", Y_test.shape)

mean, std = X_train.mean(), X_train.std()
print(f"mean {mean:.4f}, std {std:.4f}")
X_train = (X_train - mean) / std
X_test = (X_test - mean) / std
X_train = X_train.reshape(-1, 1, 28, 28)
X_test = X_test.reshape(-1, 1, 28, 28)


class ConvolutionalNetwork(nn.Module):
    def __init__(self, number_of_filters=10, filter_size=8, stride=2, number_of_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(1, number_of_filters, filter_size, stride=stride, bias=True)
        self.dense = nn.Linear(number_of_filters * 11 * 11, number_of_classes)

    def forward(self, X):
        A = nn.functional.relu(self.conv(X))
        A = A.reshape(A.shape[0], -1)
        return self.dense(A)


np.random.seed(1)
torch.manual_seed(1)

model = ConvolutionalNetwork()
cross_entropy = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

test_inputs = torch.from_numpy(X_test)
test_targets = torch.from_numpy(Y_test)
costs, accuracies = [], []
for epoch in range(10):
    shuffled = np.arange(len(X_train))
    np.random.shuffle(shuffled)
    X_shuffled, Y_shuffled = X_train[shuffled], Y_train[shuffled]

    epoch_cost = 0
    for k in range(0, len(X_train), 30):
        inputs = torch.from_numpy(X_shuffled[k:k + 30])
        targets = torch.from_numpy(Y_shuffled[k:k + 30])
        cost = cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        epoch_cost += cost.item() * len(inputs) / len(X_train)
    costs.append(epoch_cost)

    with torch.no_grad():
        outputs = model(test_inputs)
        test_cost = cross_entropy(outputs, test_targets).item()
    predictions = np.argmax(outputs.numpy(), axis=1)
    accuracies.append(np.mean(predictions == np.argmax(Y_test, axis=1)))
    print("Cost after epoch %i: %f; test cost %f; test accuracy %.2f%%" % (epoch + 1, epoch_cost, test_cost, 100 * accuracies[-1]))

plt.plot(costs)
plt.xlabel("epoch")
plt.ylabel("cost")
plt.show()

H = model.conv.weight.detach().numpy()
H = (H - H.min()) / (H.max() - H.min())
plt.figure(figsize=(12, 2))
for k in range(10):
    plt.subplot(1, 10, k + 1)
    plt.imshow(H[k, 0], cmap="gray", vmin=0, vmax=1)
    plt.axis("off")
plt.show()
