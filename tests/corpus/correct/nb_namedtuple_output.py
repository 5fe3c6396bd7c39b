# kind: notebook
# style: a namedtuple as output, the loss summed and divided by 30, a shuffling generator, model.zero_grad()
# %%
from collections import namedtuple
import random
import torch
from torch import nn
from helper_functions import *

Output = namedtuple("Output", "y_hat z_1 v_1")
BATCH = 30

# %%
X, Y = read_npz("data/train.npz")
XT, YT = read_npz("data/test.npz")
for a in (X, Y, XT, YT):
    print(a.size())

# %%
class CNN(nn.Module):

    def __init__(self, M_1=8, K=10, stride=2):
        super().__init__()
        self.layer_1 = nn.Conv2d(1, K, M_1, stride)
        self.layer_2 = nn.Linear(K * 11 ** 2, 10)

    def forward(self, x):
        x = torch.unflatten(x, -1, (1, 28, 28))
        z_1 = self.layer_1(x)
        v_1 = z_1.relu()
        u_2 = v_1.flatten(-3)
        return Output(self.layer_2(u_2), z_1, v_1)

# %%
model = CNN()
loss_sum = nn.CrossEntropyLoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), 0.01)

# %%
def shuffled_batches(x, t):
    order = list(range(len(x)))
    random.shuffle(order)
    for i in range(0, len(order), BATCH):
        j = order[i : i + BATCH]
        yield x[j], t[j]

T = torch.zeros(len(Y), 10)
T[range(len(Y)), Y] = 1
TT = torch.zeros(len(YT), 10)
TT[range(len(YT)), YT] = 1
T[:5]

# %%
for epoch in range(10):
    L = 0
    for x, t in shuffled_batches(X, T):
        out = model(x)
        loss = loss_sum(out.y_hat, t) / BATCH
        model.zero_grad()
        loss.backward()
        optimizer.step()
        L += loss.item() * BATCH
    LT, HT = 0, 0
    with torch.no_grad():
        for i in range(0, len(XT), BATCH):
            out = model(XT[i:i+BATCH])
            LT += loss_sum(out.y_hat, TT[i:i+BATCH]).item()
            HT += hits(out.y_hat, YT[i:i+BATCH])
    print(epoch + 1, "train:", round(L / len(X), 4), "test:", round(LT / len(XT), 4), "hits:", HT, "accuracy:", HT / len(XT))

# %%
out = model(XT[3])
plot_filters(XT[3], model.layer_1.weight, out.z_1, out.v_1)
