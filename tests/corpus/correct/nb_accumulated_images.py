# kind: notebook
# style: one unbatched image at a time, (loss / 30).backward() adds up, one step every thirty images
# %%
import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
from helper_functions import read_npz

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("Shapes:", X_train.shape, Y_train.shape, X_test.shape, Y_test.shape)

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=2)
        self.linear = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.reshape(1, 28, 28)          # one image: channels, height, width
        z_1 = self.conv(x)                # 10, 11, 11
        v_1 = torch.relu(z_1)
        u_2 = v_1.flatten()               # 1210
        return self.linear(u_2)           # 10

model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
targets = torch.from_numpy(np.eye(10, dtype=np.float32))

# %%
batch_size = 30
for epoch in range(10):
    train_loss = 0.0
    optimizer.zero_grad()
    for i in range(len(X_train)):
        y_hat = model(X_train[i])
        loss = criterion(y_hat, targets[Y_train[i]])
        (loss / batch_size).backward()
        train_loss += loss.item()
        if (i + 1) % batch_size == 0:
            optimizer.step()
            optimizer.zero_grad()

    test_loss, right = 0.0, 0
    with torch.no_grad():
        for i in range(len(X_test)):
            y_hat = model(X_test[i])
            test_loss += criterion(y_hat, targets[Y_test[i]]).item()
            if torch.argmax(y_hat) == Y_test[i]:
                right += 1

    print("Epoch", epoch + 1)
    print("\ttraining loss", train_loss / len(X_train))
    print("\ttest loss    ", test_loss / len(X_test))
    print("\taccuracy     ", right / len(X_test))

# %%
for k in range(10):
    plt.subplot(2, 5, k + 1)
    plt.imshow(model.conv.weight[k, 0, :, :].detach().numpy(), cmap="gray", interpolation="nearest")
    plt.axis("off")
plt.savefig("filters.png")
plt.show()
