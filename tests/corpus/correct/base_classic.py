# kind: notebook
# style: the practical's own: a class with its sizes as arguments, a tuple as output, slices of the tensors
# %%
import torch
from torch import nn
from helper_functions import read_npz, hits, plot_filters

# %%
train_X, train_Y = read_npz("data/train.npz")
test_X, test_Y = read_npz("data/test.npz")

print("+" + 40 * "-")
print(f"| Train X: {train_X.shape}")
print(f"| Train Y: {train_Y.shape}")
print(f"| Test X: {test_X.shape}")
print(f"| Test Y: {test_Y.shape}")

# %%
class CNN(nn.Module):
    def __init__(self, M_1, M_2, M_3, K, stride):
        super(CNN, self).__init__()
        self.conv = nn.Conv2d(M_3, K, M_1, stride=stride)
        self.relu = nn.ReLU()
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.reshape(-1, 1, 28, 28)
        z_1 = self.conv(x)
        v_1 = self.relu(z_1)
        u_2 = v_1.reshape(-1, 1210)
        y_hat = self.dense(u_2)
        return y_hat, z_1, v_1

# %%
model = CNN(8, 8, 1, 10, 2)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %%
def make_one_hot(labels):
    encoded = torch.zeros(len(labels), 10)
    encoded[torch.arange(len(labels)), labels] = 1.0
    return encoded

# %%
epochs = 10
batch = 30
for epoch in range(epochs):
    train_loss = 0.0
    train_hits = 0
    for i in range(len(train_X) // batch):
        X_i = train_X[batch * i : batch * (i + 1)]
        Y_i = train_Y[batch * i : batch * (i + 1)]
        targets = make_one_hot(Y_i)
        y_hat, z_1, v_1 = model(X_i)
        loss = criterion(y_hat, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item()
        train_hits += hits(y_hat, Y_i)

    test_loss = 0.0
    test_hits = 0
    with torch.no_grad():
        for i in range(0, len(test_X), batch):
            X_i = test_X[i : i + batch]
            Y_i = test_Y[i : i + batch]
            y_hat, z_1, v_1 = model(X_i)
            loss = criterion(y_hat, make_one_hot(Y_i))
            test_loss += loss.item()
            test_hits += hits(y_hat, Y_i)

    print(
        f"Epoch {epoch + 1} Loss: {train_loss / len(train_X):.4f} Accuracy: {100 * train_hits / len(train_X):.2f} "
        f"Test Loss: {test_loss / len(test_X):.4f} Test Accuracy: {100 * test_hits / len(test_X):.2f}"
    )

# %%
x = test_X[0]
with torch.no_grad():
    y_hat, z_1, v_1 = model(x)
plot_filters(x, model.conv.weight, z_1, v_1)
