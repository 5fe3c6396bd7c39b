# kind: notebook
# style: debugging first: one image through the model, a throw-away model that overfits thirty images with Adam; then the real one
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters
torch.manual_seed(123)

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print(X_train.shape, Y_train.shape)
print(X_test.shape, Y_test.shape)

# %%
plt.imshow(X_train[0].view(28, 28), cmap="gray_r")
plt.title(str(Y_train[0].item()))
plt.show()

# %%
class CNN(nn.Module):
    def __init__(self, verbose=False):
        super(CNN, self).__init__()
        self.verbose = verbose
        self.conv1 = nn.Conv2d(1, 10, 8, stride=2)
        self.fc = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        z_1 = self.conv1(x)
        if self.verbose: print("z_1", z_1.shape)
        v_1 = F.relu(z_1)
        u_2 = v_1.view(v_1.shape[0], -1)
        if self.verbose: print("u_2", u_2.shape)
        y_hat = self.fc(u_2)
        if self.verbose: print("y_hat", y_hat.shape)
        return y_hat, z_1, v_1

# %%
# does it run at all?
test_model = CNN(verbose=True)
y_hat, _, _ = test_model(X_train[0])
print(y_hat)
print(F.softmax(y_hat, dim=1).sum())
crit = nn.CrossEntropyLoss()
print("loss should be about 2.3:", crit(y_hat, F.one_hot(Y_train[:1], 10).float()).item())

# %%
# can it learn 30 images by heart? (only a check, this model is thrown away)
test_model = CNN()
adam = torch.optim.Adam(test_model.parameters(), lr=0.005)
x, t = X_train[:30], F.one_hot(Y_train[:30], 10).float()
for i in range(40):
    adam.zero_grad()
    l = crit(test_model(x)[0], t)
    l.backward()
    adam.step()
    if i % 10 == 9:
        print(i + 1, l.item(), hits(test_model(x)[0], Y_train[:30]))
del test_model, adam

# %% [markdown]
# It learns. Now the real thing.

# %%
model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %%
for epoch in range(10):
    train_loss, train_hits = 0, 0
    for i in range(0, len(X_train), 30):
        x = X_train[i:i+30]
        y = Y_train[i:i+30]
        t = F.one_hot(y, 10).float()
        optimizer.zero_grad()
        y_hat, z_1, v_1 = model(x)
        loss = criterion(y_hat, t)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(y)
        train_hits += hits(y_hat, y)
    test_loss, test_hits = 0, 0
    with torch.no_grad():
        for i in range(0, len(X_test), 30):
            x = X_test[i:i+30]
            y = Y_test[i:i+30]
            y_hat, z_1, v_1 = model(x)
            test_loss += criterion(y_hat, F.one_hot(y, 10).float()).item() * len(y)
            test_hits += hits(y_hat, y)
    print("epoch %d, train loss %.3f, train acc %.3f, test loss %.3f, test acc %.3f" % (
        epoch + 1, train_loss / len(X_train), train_hits / len(X_train), test_loss / len(X_test), test_hits / len(X_test)))

# %%
y_hat, z_1, v_1 = model(X_test[0])
plot_filters(X_test[0], model.conv1.weight, z_1, v_1)
