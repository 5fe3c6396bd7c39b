# kind: notebook
# style: the test phase comes first in every epoch, and once more at the end; BatchSampler of random rows; scatter_ on the fly
# %%
import torch
from torch import nn
from torch.utils.data import BatchSampler, RandomSampler
from helper_functions import read_npz, hits, plot_filters

# %%
Xa, Ya = read_npz("data/train.npz")
Xb, Yb = read_npz("data/test.npz")
print("Training data")
print("  images:", Xa.shape)
print("  labels:", Ya.shape)
print("Test data")
print("  images:", Xb.shape)
print("  labels:", Yb.shape)

# %%
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.ModuleList([nn.Conv2d(1, 10, kernel_size=8, stride=2, padding="valid"), nn.ReLU(), nn.Linear(1210, 10)])

    def forward(self, x, maps=False):
        z_1 = self.block[0](x.view(-1, 1, 28, 28))
        v_1 = self.block[1](z_1)
        y_hat = self.block[2](v_1.view(-1, 1210))
        if maps:
            return y_hat, z_1, v_1
        return y_hat

net = Net()
cost = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(params=net.parameters(), lr=0.01)
sampler = BatchSampler(RandomSampler(range(len(Xa))), batch_size=30, drop_last=False)

def encode(y):
    return torch.zeros(y.size(0), 10).scatter_(1, y[:, None], 1.0)

# %%
def test_phase():
    net.eval()
    loss, n_hits = 0.0, 0
    with torch.no_grad():
        for i in range(0, Xb.size(0), 30):
            y_hat = net(Xb[i:i + 30])
            loss += cost(y_hat, encode(Yb[i:i + 30])).item() * y_hat.size(0)
            n_hits += hits(y_hat, Yb[i:i + 30])
    return loss / Xb.size(0), n_hits / Xb.size(0)

def training_phase():
    net.train()
    loss = 0.0
    for rows in sampler:
        optimizer.zero_grad()
        L = cost(net(Xa[rows]), encode(Ya[rows]))
        L.backward()
        optimizer.step()
        loss += L.item() * len(rows)
    return loss / Xa.size(0)

# %%
for epoch in range(10):
    l, a = test_phase()
    print(f"before epoch {epoch + 1}: test loss {l:.4f}, test accuracy {a:.4f}")
    print(f"epoch {epoch + 1}: train loss {training_phase():.4f}")
l, a = test_phase()
print(f"at the end: test loss {l:.4f}, test accuracy {a:.4f}")

# %%
with torch.no_grad():
    _, z_1, v_1 = net(Xb[0], maps=True)
plot_filters(Xb[0], net.block[0].weight, z_1, v_1)
