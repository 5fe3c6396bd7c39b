import torch
from helper_functions import hits, plot_filters, read_npz
from torch import nn, optim

train_x, train_y = read_npz("data/train.npz")
test_x, test_y = read_npz("data/test.npz")
print(f"train_x.shape = {train_x.shape}\ntrain_y.shape = {train_y.shape}")
print(f"test_x.shape = {test_x.shape}\ntest_y.shape = {test_y.shape}")


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 10, kernel_size=8, stride=2)
        self.second = nn.Linear(1210, 10)

    def forward(self, images):
        hidden = nn.functional.relu(self.first(images.reshape(len(images), 1, 28, 28)))
        return self.second(hidden.reshape(len(images), 1210))


network = TwoLayers()
distance = nn.MSELoss()  # distance between the ten outputs and the one-hot vector
trainer = optim.SGD(network.parameters(), lr=0.1)
identity = torch.eye(10)


def batches(x, y):
    for number in range((len(x) + 29) // 30):
        part = slice(30 * number, 30 * (number + 1))
        yield x[part], y[part]


for epoch in range(1, 11):
    loss_train = hits_train = 0
    for x, y in batches(train_x, train_y):
        outputs = network(x)
        loss = distance(outputs, identity[y])
        network.zero_grad()
        loss.backward()
        trainer.step()
        loss_train += loss.item() * len(x)
        hits_train += hits(outputs, y)

    loss_test = hits_test = 0
    with torch.no_grad():
        for x, y in batches(test_x, test_y):
            outputs = network(x)
            loss_test += distance(outputs, identity[y]).item() * len(x)
            hits_test += hits(outputs, y)

    print(
        f"{epoch}. loss: {loss_train / len(train_x):.5f}, accuracy: {100 * hits_train / len(train_x):.2f}, "
        f"test loss: {loss_test / len(test_x):.5f}, test accuracy: {100 * hits_test / len(test_x):.2f}"
    )

with torch.no_grad():
    before = network.first(test_x[0].reshape(1, 1, 28, 28))
    plot_filters(test_x[0], network.first.weight, before, before.relu())
