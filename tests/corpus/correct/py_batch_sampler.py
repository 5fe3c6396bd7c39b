# kind: module
# style: a BatchSampler as the sampler of a DataLoader (batch_size=None), conv layer in an nn.ModuleList, error rate and hits printed
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from helper_functions import hits, plot_filters, read_npz

torch.manual_seed(99)

images, labels = read_npz("data/train.npz")
test_images, test_labels = read_npz("data/test.npz")
print("train", images.shape, labels.shape, "| test", test_images.shape, test_labels.shape)

train_set = TensorDataset(images, labels, torch.eye(10).index_select(0, labels))
test_set = TensorDataset(test_images, test_labels, torch.eye(10).index_select(0, test_labels))
train_loader = DataLoader(train_set, batch_size=None, sampler=BatchSampler(RandomSampler(train_set), batch_size=30, drop_last=False))
test_loader = DataLoader(test_set, batch_size=None, sampler=BatchSampler(SequentialSampler(test_set), batch_size=200, drop_last=False))


class Net(nn.Module):
    def __init__(self, sizes=((1, 10, 8, 2),)):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(a, b, k, stride=s) for a, b, k, s in sizes])
        self.relu = nn.ReLU()
        self.dense = nn.LazyLinear(10)

    def forward(self, x):
        x = x.reshape(len(x), 1, 28, 28)
        for conv in self.convs:
            x = self.relu(conv(x))
        return self.dense(x.reshape(len(x), -1))


net = Net()
net(images[:1])  # lets the lazy layer find its size
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True)

for epoch in range(1, 11):
    net.train()
    epoch_loss = 0.0
    for x, _, target in train_loader:
        prediction = net(x)
        loss = loss_fn(prediction, target)
        net.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    epoch_loss /= len(train_loader)

    net.eval()
    correct, test_loss = 0, 0.0
    for x, y, target in test_loader:
        with torch.no_grad():
            prediction = net(x)
            test_loss += len(x) * loss_fn(prediction, target).item()
        correct += hits(prediction, y)
    n = len(test_set)
    print(f"{epoch:02d}: train loss {epoch_loss:.4f}, test loss {test_loss / n:.4f}, "
          f"test hits {correct} of {n} (accuracy {correct / n:.4f}, error rate {1 - correct / n:.4f})")

x = test_images[[0]]
z = net.convs[0](x.reshape(1, 1, 28, 28))
plot_filters(x, net.convs[0].weight, z, torch.relu(z))
plt.close()
