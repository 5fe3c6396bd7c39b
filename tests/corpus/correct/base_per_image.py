# kind: notebook
# style: one image at a time through the model, the losses of thirty summed and divided, one step a batch
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz

# %%
Xtr, Ytr = read_npz("data/train.npz")
Xte, Yte = read_npz("data/test.npz")
print("training set", Xtr.size(), Ytr.size())
print("test set", Xte.size(), Yte.size())

# %%
class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 10, (8, 8), (2, 2))
        self.fc = nn.Linear(11 * 11 * 10, 10)

    def forward(self, x):
        x = x.view(1, 1, 28, 28)
        z_1 = self.c1(x)
        v_1 = torch.relu(z_1)
        u_2 = v_1.view(1, -1)
        return self.fc(u_2)

# %%
net = ConvNet()
ce = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.01)
Ttr = F.one_hot(Ytr, num_classes=10).to(torch.float32)
Tte = F.one_hot(Yte, num_classes=10).to(torch.float32)

# %%
N = 30
for epoch in range(10):
    running = 0.0
    for b in range(Xtr.size(0) // N):
        batch_loss = 0
        for n in range(N):
            k = b * N + n
            y_hat = net(Xtr[k])
            batch_loss = batch_loss + ce(y_hat, Ttr[k : k + 1])
        batch_loss = batch_loss / N
        batch_loss.backward()
        opt.step()
        opt.zero_grad()
        running += batch_loss.item()
    good = 0
    test_running = 0.0
    with torch.no_grad():
        for k in range(Xte.size(0)):
            y_hat = net(Xte[k])
            test_running += ce(y_hat, Tte[k : k + 1]).item()
            good += int(y_hat.argmax() == Yte[k])
    print("epoch", epoch + 1, "loss", running / (Xtr.size(0) // N), "test loss", test_running / Xte.size(0),
          "test accuracy", 100 * good / Xte.size(0), "%")

# %%
w = net.c1.weight.data
for j in range(10):
    plt.subplot(2, 5, j + 1)
    plt.imshow(w[j, 0], cmap="gray")
plt.show()
