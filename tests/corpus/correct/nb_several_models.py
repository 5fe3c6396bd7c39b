# kind: notebook
# style: three models in one notebook: a linear one and a 5x5 one as experiments, two epochs each, then the answer
# %%
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("Train", X_train.shape, Y_train.shape, "Test", X_test.shape, Y_test.shape)
one_hot = torch.eye(10)

# %%
def fit(model, epochs, lr=0.01, batch=30):
    """trains and tests, returns a list with one row per epoch"""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    log = []
    for epoch in range(epochs):
        train_loss = 0.0
        for i in range(0, len(X_train), batch):
            x, y = X_train[i:i + batch], Y_train[i:i + batch]
            optimizer.zero_grad()
            loss = criterion(model(x), one_hot[y])
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(x)
        test_loss, n = 0.0, 0
        with torch.no_grad():
            for i in range(0, len(X_test), batch):
                x, y = X_test[i:i + batch], Y_test[i:i + batch]
                out = model(x)
                test_loss += criterion(out, one_hot[y]).item() * len(x)
                n += hits(out, y)
        log.append((train_loss / len(X_train), test_loss / len(X_test), n / len(X_test)))
        print(f"epoch {epoch + 1}: train loss {log[-1][0]:.4f}, test loss {log[-1][1]:.4f}, test accuracy {log[-1][2]:.4f}")
    return log

# %% [markdown]
# ### Baseline: no convolution at all
# %%
linear = nn.Linear(784, 10)
log_linear = fit(linear, 2)

# %% [markdown]
# ### What would a smaller filter do? (not asked, out of curiosity)
# %%
small = nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 10, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(1440, 10))
log_small = fit(small, 2)

# %% [markdown]
# ### The network of the practical
# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, 2)
        self.dense = nn.Linear(1210, 10)

    def features(self, x):
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        return z_1, torch.relu(z_1)

    def forward(self, x):
        _, v_1 = self.features(x)
        return self.dense(v_1.reshape(-1, 1210))

cnn = CNN()
log_cnn = fit(cnn, 10)

# %%
print(f"{'model':<12}{'epochs':>8}{'test acc':>10}")
for name, log in (("linear", log_linear), ("5x5", log_small), ("CNN 8x8", log_cnn)):
    print(f"{name:<12}{len(log):>8}{log[-1][2]:>10.2%}")

# %%
x = X_test[0]
with torch.no_grad():
    z_1, v_1 = cnn.features(x)
plot_filters(x, cnn.conv.weight, z_1, v_1)
