import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from helper_functions import plot_filters, read_npz

# Q1
x_train, y_train = read_npz("data/train.npz")
x_test, y_test = read_npz("data/test.npz")
print("x_train", x_train.shape, x_train.dtype)
print("y_train", y_train.shape, y_train.dtype)
print("x_test", x_test.shape, x_test.dtype)
print("y_test", y_test.shape, y_test.dtype)

train_loader = DataLoader(TensorDataset(x_train.view(-1, 1, 28, 28), y_train), batch_size=30, shuffle=True)
test_loader = DataLoader(TensorDataset(x_test.view(-1, 1, 28, 28), y_test), batch_size=100)


# Q2
class LeNetMini(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 10, kernel_size=8, stride=2), nn.ReLU())
        self.head = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        x = self.conv(x)
        x = x.view(x.size(0), -1)
        return self.head(x)


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = LeNetMini().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


# Q3
def train():
    model.train()
    running = 0.0
    for data, target in train_loader:
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, F.one_hot(target, num_classes=10).float())
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(train_loader)


def test():
    model.eval()
    running, correct = 0.0, 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            running += criterion(output, F.one_hot(target, num_classes=10).float()).item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    return running / len(test_loader), correct


for epoch in range(1, 11):
    train_loss = train()
    test_loss, correct = test()
    n = len(test_loader.dataset)
    print(f"Train Epoch: {epoch}\tLoss: {train_loss:.6f}")
    print(f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{n} ({100.0 * correct / n:.2f}%)\n")

# Q4
image = x_test[4].to(device)
with torch.no_grad():
    z = model.conv[0](image.view(1, 1, 28, 28))
    v = model.conv(image.view(1, 1, 28, 28))
plot_filters(image.cpu(), model.conv[0].weight.cpu(), z.cpu(), v.cpu())
