# kind: notebook
# style: a checkpoint after every epoch, the last one loaded into a new model, which is tested again and plotted
# %%
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from helper_functions import read_npz, hits, plot_filters

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
for split, x, y in [("train", X_train, Y_train), ("test", X_test, Y_test)]:
    print(split, "X:", x.shape, "Y:", y.shape)

# %%
class CNN(nn.Module):
    def __init__(self):
        super(CNN, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, 8, 2)
        self.lin = nn.Linear(11 * 11 * 10, 10)
    def forward(self, x):
        B = x.numel() // 784
        z_1 = self.conv1(x.reshape(B, 1, 28, 28))
        v_1 = F.relu(z_1)
        return self.lin(v_1.reshape(B, -1)), z_1, v_1

model = CNN()
lossfunc = nn.CrossEntropyLoss()
opt = torch.optim.SGD(model.parameters(), lr=0.01)

# %%
def test(m):
    """mean loss and accuracy on the test set"""
    with torch.no_grad():
        y_hat = m(X_test)[0]
    return lossfunc(y_hat, F.one_hot(Y_test, 10).float()).item(), hits(y_hat, Y_test) / len(Y_test)

# %%
checkpoints = []
for epoch in range(10):
    running = 0
    for i in range(0, len(X_train), 30):
        opt.zero_grad()
        y_hat, *_ = model(X_train[i:i+30])
        loss = lossfunc(y_hat, F.one_hot(Y_train[i:i+30], 10).float())
        loss.backward()
        opt.step()
        running += loss.item()
    l, a = test(model)
    print("epoch", epoch, "train", running / (len(X_train) / 30), "test", l, "acc", a)
    checkpoints.append(copy.deepcopy(model.state_dict()))
    torch.save({"epoch": epoch, "model": model.state_dict(), "opt": opt.state_dict()}, "cnn.pt")

# %%
saved = torch.load("cnn.pt")
final = CNN()
final.load_state_dict(saved["model"])
final.eval()
print("from epoch", saved["epoch"], "test", test(final))

# %%
# how much did the filters change from epoch to epoch?
for before, after in zip(checkpoints, checkpoints[1:]):
    print(round((after["conv1.weight"] - before["conv1.weight"]).norm().item(), 4))

# %%
y_hat, z_1, v_1 = final(X_test[2])
plot_filters(X_test[2], final.conv1.weight, z_1, v_1)
