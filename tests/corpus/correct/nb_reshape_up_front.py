# kind: notebook
# style: images and targets prepared once, (N, 1, 28, 28); Sequential alone; the whole test set in one pass; filters as a mosaic with borders
# %%
import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt

# %%
train = np.load("data/train.npz")
test = np.load("data/test.npz")
print(train.files, test.files)
X_train, X_test = train["X"], test["X"]
y_train, y_test = np.argmax(train["Y"], axis=-1), np.argmax(test["Y"], axis=-1)
print("X_train.shape =", X_train.shape)
print("y_train.shape =", y_train.shape)
print("X_test.shape =", X_test.shape)
print("y_test.shape =", y_test.shape)

# %%
# reshape once and for all
X_train = torch.Tensor(X_train).reshape(-1, 1, 28, 28)
X_test = torch.Tensor(X_test).reshape(-1, 1, 28, 28)
T_train = torch.Tensor(np.eye(10)[y_train])
T_test = torch.Tensor(np.eye(10)[y_test])
assert X_train.shape[0] == T_train.shape[0] and X_test.shape[0] == T_test.shape[0]

# %%
cnn = nn.Sequential(
    nn.Conv2d(1, 10, 8, stride=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(1210, 10),
)
print(cnn(X_train[:1]).shape)

# %%
crossentropy = nn.CrossEntropyLoss()
sgd = torch.optim.SGD(cnn.parameters(), lr=0.01, momentum=0.5)

# %%
for epoch in range(10):
    batch_losses = []
    for X_batch, T_batch in zip(X_train.split(30), T_train.split(30)):
        loss = crossentropy(cnn(X_batch), T_batch)
        loss.backward()
        sgd.step()
        sgd.zero_grad()
        batch_losses.append(loss.item())
    with torch.no_grad():
        prediction = cnn(X_test)
        test_loss = crossentropy(prediction, T_test)
        right = (prediction.argmax(1) == T_test.argmax(1)).float().mean()
    print("Epoch {}: training loss = {:.5f}, test loss = {:.5f}, test accuracy = {:.2f}%".format(
        epoch + 1, np.mean(batch_losses), test_loss, 100 * right))

# %%
# all filters in one picture, one pixel between them
filters = cnn[0].weight.detach().numpy().squeeze(1)
height, width = 8, 8
picture = np.full((2 * (height + 1) + 1, 5 * (width + 1) + 1), filters.min())
for n in range(10):
    r, c = divmod(n, 5)
    top, left = 1 + r * (height + 1), 1 + c * (width + 1)
    picture[top:top + height, left:left + width] = filters[n]
plt.imshow(picture, cmap="gray")
plt.colorbar()
plt.title("The ten filters")
plt.show()
