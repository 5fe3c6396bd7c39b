# kind: module
# style: while loops with an index, CrossEntropyLoss(reduction="none") whose sum is divided by 30, manual update w -= lr * w.grad
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

Xtrain, Ytrain = read_npz("./data/train.npz")
Xtest, Ytest = read_npz("./data/test.npz")
print("Training data:", list(Xtrain.shape), "Training labels:", list(Ytrain.shape))
print("Test data:", list(Xtest.shape), "Test labels:", list(Ytest.shape))

m = len(Xtrain)
n = len(Xtest)
batch = 30
lr = 0.01
nr_epochs = 10


class Net(nn.Module):

    def __init__(self, filters, size, stride):
        nn.Module.__init__(self)
        self.conv_layer = nn.Conv2d(1, filters, size, stride)
        self.output_layer = nn.Linear(filters * 121, 10)

    def forward(self, X):
        X = X.view(X.shape[0], 1, 28, 28)
        Z1 = self.conv_layer(X)
        V1 = torch.clamp_min(Z1, 0.0)
        U2 = V1.view(X.shape[0], 1210)
        Yhat = self.output_layer(U2)
        return Yhat


def onehot(labels):
    result = torch.zeros(labels.shape[0], 10)
    result[range(labels.shape[0]), labels] = 1
    return result


net = Net(10, 8, 2)
loss_each = nn.CrossEntropyLoss(reduction="none")

epoch = 0
while epoch < nr_epochs:
    i = 0
    sum_loss = 0.0
    sum_hits = 0
    while i < m:
        x = Xtrain[i:i + batch]
        y = Ytrain[i:i + batch]
        yhat = net(x)
        losses = loss_each(yhat, onehot(y))
        loss = losses.sum() / batch
        loss.backward()
        # stochastic gradient descent: a step down the gradient, then start again from zero
        with torch.no_grad():
            for w in net.parameters():
                w -= lr * w.grad
                w.grad = None
        sum_loss += losses.sum().item()
        sum_hits += hits(yhat, y)
        i += batch

    i = 0
    test_loss = 0.0
    test_hits = 0
    with torch.no_grad():
        while i < n:
            x = Xtest[i:i + batch]
            y = Ytest[i:i + batch]
            yhat = net(x)
            test_loss += loss_each(yhat, onehot(y)).sum().item()
            test_hits += hits(yhat, y)
            i += batch
    epoch += 1
    print("epoch", epoch, "of", nr_epochs)
    print("  train: loss", round(sum_loss / m, 4), "accuracy", round(100 * sum_hits / m, 2), "%")
    print("  test:  loss", round(test_loss / n, 4), "accuracy", round(100 * test_hits / n, 2), "%")

for k in range(10):
    plt.figure(figsize=(2, 2))
    plt.imshow(net.conv_layer.weight[k, 0].detach().numpy(), cmap="gray")
    plt.title("filter " + str(k + 1))
    plt.savefig("filter_" + str(k + 1) + ".png")
    plt.close()
