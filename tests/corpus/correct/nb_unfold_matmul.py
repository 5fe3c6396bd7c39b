# kind: notebook
# style: the convolution as F.unfold and a matrix product, the data as one tensor (batches, 30, 784), one-hot by scatter_
# %%
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

# %%
X_train, y_train = read_npz("data/train.npz")
X_test, y_test = read_npz("data/test.npz")
print("X_train", tuple(X_train.shape)); print("y_train", tuple(y_train.shape))
print("X_test ", tuple(X_test.shape)); print("y_test ", tuple(y_test.shape))

# %%
# all batches at once: (number of batches, 30, 784)
n = len(X_train) // 30
X_batches = X_train[:30 * n].reshape(n, 30, 784)
y_batches = y_train[:30 * n].reshape(n, 30)
t_batches = torch.zeros(n, 30, 10).scatter_(2, y_batches.unsqueeze(-1), 1.0)
t_test = torch.zeros(len(y_test), 10).scatter_(1, y_test.unsqueeze(1), 1.0)
X_batches.shape, t_batches.shape

# %%
class MyConv(nn.Module):
    """im2col: every 8x8 window is a column, the filters are the rows of a matrix"""

    def __init__(self, n_filters, size, stride):
        super().__init__()
        self.size, self.stride = size, stride
        self.weight = nn.Parameter(torch.empty(n_filters, 1, size, size))
        self.bias = nn.Parameter(torch.zeros(n_filters))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x):
        columns = F.unfold(x, self.size, stride=self.stride)             # (B, 64, 121)
        W = self.weight.view(self.weight.size(0), -1)                    # (10, 64)
        out = torch.matmul(W, columns) + self.bias[None, :, None]        # (B, 10, 121)
        side = (x.size(-1) - self.size) // self.stride + 1
        return out.view(x.size(0), -1, side, side)

class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = MyConv(10, 8, 2)
        self.out = nn.Linear(10 * 11 * 11, 10)

    def forward(self, x):
        z = self.conv(x.view(-1, 1, 28, 28))
        v = F.relu(z)
        return self.out(v.view(v.size(0), -1))

model = CNN()

# %%
# is my convolution the same as torch's?
with torch.no_grad():
    img = X_train[:3].view(-1, 1, 28, 28)
    print(torch.allclose(model.conv(img), F.conv2d(img, model.conv.weight, model.conv.bias, stride=2), atol=1e-5))

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(10):
    running = 0.0
    for x, t in zip(X_batches, t_batches):
        loss = F.cross_entropy(model(x), t)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    with torch.no_grad():
        y_hat = torch.cat([model(x) for x in X_test.split(30)])
        test_loss = F.cross_entropy(y_hat, t_test).item()
        accuracy = hits(y_hat, y_test) / len(y_test)
    print(f"{epoch+1:>2} | {running / n:.4f} | {test_loss:.4f} | {100 * accuracy:5.2f} %")

# %%
for i, f in enumerate(model.conv.weight.detach()):
    plt.matshow(f[0], cmap="gray")
    plt.title(f"Filter {i + 1}")
    plt.show()
