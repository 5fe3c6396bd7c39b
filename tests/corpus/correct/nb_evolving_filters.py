# kind: notebook
# style: many plots: digits, untrained filters, a mosaic after some epochs, learning curves, confusion matrix, mistakes, then the trained filters
# %%
%matplotlib inline
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters
plt.rcParams["image.cmap"] = "gray"

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("X_train", X_train.shape)
print("Y_train", Y_train.shape)
print("X_test", X_test.shape)
print("Y_test", Y_test.shape)

# %%
fig, ax = plt.subplots(2, 8, figsize=(8, 2))
for a, x, y in zip(ax.flat, X_train, Y_train):
    a.imshow(x.reshape(28, 28)); a.set_title(y.item(), fontsize=7); a.axis("off")
plt.show()

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, 2)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        v_1 = F.relu(z_1)
        return self.dense(v_1.flatten(1)), z_1, v_1

def mosaic(model, title):
    w = model.conv.weight.detach().squeeze(1)                       # 10, 8, 8
    w = F.pad(w, (1, 1, 1, 1), value=w.max().item())                # a frame around each
    img = w.reshape(2, 5, 10, 10).permute(0, 2, 1, 3).reshape(20, 50)
    plt.figure(figsize=(5, 2))
    plt.imshow(img); plt.title(title); plt.axis("off")
    plt.show()

model = CNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
mosaic(model, "before training")

# %%
def onehot(y):
    return F.one_hot(y, 10).float()

train_l, test_l, train_a, test_a = [], [], [], []
for epoch in range(10):
    l, h = 0, 0
    for x, y in zip(X_train.split(30), Y_train.split(30)):
        y_hat, _, _ = model(x)
        loss = criterion(y_hat, onehot(y))
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        l += loss.item() * len(x); h += hits(y_hat, y)
    train_l.append(l / len(X_train)); train_a.append(h / len(X_train))
    with torch.no_grad():
        y_hat, _, _ = model(X_test)
        test_l.append(criterion(y_hat, onehot(Y_test)).item()); test_a.append(hits(y_hat, Y_test) / len(Y_test))
    print(f"Epoch {epoch + 1:2}: train {train_l[-1]:.4f} / {train_a[-1]:.2%}   test {test_l[-1]:.4f} / {test_a[-1]:.2%}")
    if epoch in (0, 4):
        mosaic(model, f"after epoch {epoch + 1}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3))
left.plot(train_l, label="train"); left.plot(test_l, label="test"); left.set_title("loss"); left.legend()
right.plot(train_a, label="train"); right.plot(test_a, label="test"); right.set_title("accuracy"); right.legend()
plt.show()

# %%
with torch.no_grad():
    pred = model(X_test)[0].argmax(1)
confusion = torch.zeros(10, 10, dtype=torch.long)
for p, y in zip(pred, Y_test):
    confusion[y, p] += 1
plt.imshow(confusion, cmap="Blues")
plt.xlabel("predicted"); plt.ylabel("true"); plt.colorbar(); plt.show()
confusion

# %%
wrong = (pred != Y_test).nonzero().flatten()[:10]
fig, ax = plt.subplots(1, 10, figsize=(10, 1.5))
for a, i in zip(ax, wrong):
    a.imshow(X_test[i].view(28, 28)); a.set_title(f"{pred[i].item()} not {Y_test[i].item()}"[:7], fontsize=7); a.axis("off")
plt.show()

# %%
mosaic(model, "after training")
_, z_1, v_1 = model(X_test[0])
plot_filters(X_test[0], model.conv.weight, z_1, v_1)
