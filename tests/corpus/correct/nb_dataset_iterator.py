# kind: notebook
# style: a Dataset that gives (image, one-hot), DataLoader, next(iter) in a while loop with StopIteration
# %%
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
import matplotlib.pyplot as plt
from helper_functions import read_npz

# %%
class MNIST(Dataset):
    def __init__(self, filename):
        self.X, self.Y = read_npz(filename)
        self.T = nn.functional.one_hot(self.Y, 10).float()

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i].view(1, 28, 28), self.T[i]

train_set = MNIST("data/train.npz")
test_set = MNIST("data/test.npz")
print("train", train_set.X.shape, train_set.Y.shape)
print("test", test_set.X.shape, test_set.Y.shape)

# %%
train_loader = DataLoader(train_set, batch_size=30, shuffle=True)
test_loader = DataLoader(test_set, batch_size=100, shuffle=False)
images, targets = next(iter(train_loader))
print(images.shape, targets.shape)
plt.figure(figsize=(6, 2))
for i in range(3):
    plt.subplot(1, 3, i + 1); plt.imshow(images[i, 0], cmap="gray"); plt.title(targets[i].argmax().item())
plt.show()

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, kernel_size=8, stride=2)
        self.relu = nn.ReLU()
        self.dense = nn.Linear(10 * 11 * 11, 10)

    def forward(self, x):
        x = self.relu(self.conv(x))
        x = x.view(x.shape[0], -1)
        return self.dense(x)

net = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

# %%
epoch = 0
while epoch < 10:
    epoch += 1
    batches = iter(train_loader)
    sum_loss, n = 0, 0
    while True:
        try:
            x, t = next(batches)
        except StopIteration:
            break
        optimizer.zero_grad()
        loss = criterion(net(x), t)
        loss.backward()
        optimizer.step()
        sum_loss += loss.item()
        n += 1

    test_loss, correct = 0, 0
    with torch.no_grad():
        for x, t in test_loader:
            y_hat = net(x)
            test_loss += criterion(y_hat, t).item()
            correct += torch.sum(torch.argmax(y_hat, 1) == torch.argmax(t, 1)).item()
    print(f"Epoch {epoch} after {n} batches")
    print(f"   mean training loss: {sum_loss / n:.4f}")
    print(f"   mean test loss:     {test_loss / len(test_loader):.4f}")
    print(f"   test accuracy:      {correct / len(test_set):.4f}")

# %%
fig, axes = plt.subplots(nrows=1, ncols=10, figsize=(20, 2.5))
for i in range(10):
    axes[i].imshow(net.conv.weight[i][0].detach().cpu().numpy(), cmap="gray")
    axes[i].axis("off")
    axes[i].set_title("H_" + str(i))
