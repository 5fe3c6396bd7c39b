# kind: notebook
# style: gradient clipping, exponential decay of the learning rate, momentum; a table with a header
# %%
import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
N_train, D = X_train.shape
N_test, _ = X_test.shape
print("train:", (N_train, D), tuple(Y_train.shape))
print("test:", (N_test, D), tuple(Y_test.shape))

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layer = nn.Sequential()
        self.conv_layer.add_module("conv", nn.Conv2d(1, 10, 8, stride=2, bias=True))
        self.conv_layer.add_module("relu", nn.ReLU())
        self.dense_layer = nn.Sequential(nn.Flatten(), nn.Linear(1210, 10))

    def forward(self, x):
        return self.dense_layer(self.conv_layer(x.reshape(-1, 1, 28, 28)))

model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)

# %%
table = torch.eye(10)
norms = []
print("epoch | lr      | train loss | test loss | test acc")
print("------+---------+------------+-----------+---------")
for epoch in range(1, 11):
    model.train()
    sum_loss = 0.0
    for idx in torch.randperm(N_train).view(-1, 30) if N_train % 30 == 0 else torch.randperm(N_train).split(30):
        optimizer.zero_grad()
        output = model(X_train[idx])
        loss = criterion(output, table[Y_train[idx]])
        loss.backward()
        norms.append(clip_grad_norm_(model.parameters(), max_norm=1.0).item())
        optimizer.step()
        sum_loss += loss.item() * len(idx)
    lr = optimizer.param_groups[0]["lr"]
    scheduler.step()

    model.eval()
    with torch.no_grad():
        output = model(X_test)
        test_loss = criterion(output, table[Y_test]).item()
        acc = hits(output, Y_test) / N_test
    print(f"{epoch:5d} | {lr:.5f} | {sum_loss / N_train:10.4f} | {test_loss:9.4f} | {acc:7.2%}")

# %%
plt.plot(norms)
plt.title("gradient norm before clipping")
plt.show()

# %%
with torch.no_grad():
    x = X_test[5]
    z_1 = model.conv_layer.conv(x.view(1, 1, 28, 28))
    v_1 = model.conv_layer.relu(z_1)
plot_filters(x, model.conv_layer.conv.weight, z_1, v_1)
