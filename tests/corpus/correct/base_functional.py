# kind: notebook
# style: no class: tensors of weights, torch.nn.functional, a shuffled index, one-hot by F.one_hot
# %%
import math
import numpy as np
import torch
import torch.nn.functional as F
import matplotlib.pyplot as plt

# %%
with np.load("data/train.npz") as archive:
    x_train = torch.tensor(archive["X"], dtype=torch.float32)
    y_train = torch.tensor(archive["Y"].argmax(axis=1))
with np.load("data/test.npz") as archive:
    x_test = torch.tensor(archive["X"], dtype=torch.float32)
    y_test = torch.tensor(archive["Y"].argmax(axis=1))
print(x_train.shape, y_train.shape, x_test.shape, y_test.shape)

# %%
def uniform(*shape, fan_in):
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(*shape).uniform_(-bound, bound).requires_grad_()

kernels = uniform(10, 1, 8, 8, fan_in=64)
kernel_bias = uniform(10, fan_in=64)
weights = uniform(10, 1210, fan_in=1210)
bias = uniform(10, fan_in=1210)

def network(images):
    maps = F.conv2d(images.view(-1, 1, 28, 28), kernels, kernel_bias, stride=2)
    active = F.relu(maps)
    return F.linear(active.flatten(1), weights, bias)

# %%
parameters = [kernels, kernel_bias, weights, bias]
sgd = torch.optim.SGD(parameters, lr=0.01)

def loss_of(logits, labels):
    return F.cross_entropy(logits, F.one_hot(labels, 10).float())

# %%
def evaluate():
    losses, correct = [], 0
    with torch.no_grad():
        for rows in torch.arange(len(x_test)).split(100):
            logits = network(x_test[rows])
            losses.append(loss_of(logits, y_test[rows]).item())
            correct += (logits.argmax(1) == y_test[rows]).sum().item()
    return sum(losses) / len(losses), correct / len(x_test)

# %%
for epoch in range(1, 11):
    epoch_losses = []
    for rows in torch.randperm(len(x_train)).split(30):
        sgd.zero_grad()
        logits = network(x_train[rows])
        loss = loss_of(logits, y_train[rows])
        loss.backward()
        sgd.step()
        epoch_losses.append(loss.item())
    test_loss, test_accuracy = evaluate()
    print(f"epoch {epoch}: train loss {np.mean(epoch_losses):.4f}, test loss {test_loss:.4f}, test accuracy {test_accuracy:.4f}")

# %%
figure, axes = plt.subplots(2, 5, figsize=(10, 4))
for number, axis in enumerate(axes.flat):
    axis.imshow(kernels[number, 0].detach(), cmap="gray")
    axis.set_axis_off()
plt.show()
