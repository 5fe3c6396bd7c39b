# kind: notebook
# style: one nn.Sequential from Unflatten to Linear, chunks of the data, zero_grad(set_to_none=False) after the step, the filters as one mosaic
# %%
from collections import OrderedDict
import torch
from torch import nn, optim
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

# %%
(xtrain, ytrain), (xtest, ytest) = read_npz("data/train.npz"), read_npz("data/test.npz")
for n, a in {"xtrain": xtrain, "ytrain": ytrain, "xtest": xtest, "ytest": ytest}.items():
    print(f"{n:>8}: {list(a.shape)}")

# %%
net = nn.Sequential(OrderedDict([
    ("image", nn.Unflatten(1, (1, 28, 28))),
    ("conv", nn.Conv2d(in_channels=1, out_channels=10, kernel_size=8, stride=2, padding=0)),
    ("relu", nn.ReLU(inplace=True)),
    ("flat", nn.Flatten()),
    ("dense", nn.Linear(in_features=1210, out_features=10)),
]))
net

# %%
for name, layer in net.named_children():
    print(name, [tuple(p.shape) for p in layer.parameters()])

# %%
L = nn.CrossEntropyLoss()
opt = optim.SGD(net.parameters(), lr=1e-2)

# %%
n_batches = len(xtrain) // 30
x_chunks = xtrain[: n_batches * 30].chunk(n_batches)
y_chunks = ytrain[: n_batches * 30].chunk(n_batches)
identity = torch.eye(10)

# %%
history = []
for epoch in range(1, 11):
    loss_sum = 0.
    for x, y in zip(x_chunks, y_chunks):
        out = net(x)
        loss = L(out, identity[y])
        loss.backward()
        opt.step()
        opt.zero_grad(set_to_none=False)
        loss_sum += loss.item()

    with torch.no_grad():
        test_loss, test_hits = 0., 0
        for x, y in zip(xtest.split(30), ytest.split(30)):
            out = net(x)
            test_loss += L(out, identity[y]).item() * len(y)
            test_hits += hits(out, y)
    history.append((loss_sum / n_batches, test_loss / len(xtest), test_hits / len(xtest)))
    print("Epoche {:2d}  train {:.3f}  test {:.3f}  acc {:.1%}".format(epoch, *history[-1]))

# %%
W = net.conv.weight.detach()[:, 0]          # 10 x 8 x 8
rows = [torch.cat(list(W[:5]), dim=1), torch.cat(list(W[5:]), dim=1)]
mosaic = torch.cat(rows, dim=0)             # 16 x 40
plt.figure(figsize=(10, 4))
plt.imshow(mosaic, cmap="gray")
plt.title("learned filters")
plt.axis("off")
plt.show()
