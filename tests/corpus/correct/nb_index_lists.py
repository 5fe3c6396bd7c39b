# kind: notebook
# style: an index shuffled as a Python list, batches stacked row by row, take of lists, ReLU as torch.max with zero
# %%
import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from matplotlib import pyplot as plt
from helper_functions import read_npz

random.seed(3)

# %%
images, labels = read_npz("data/train.npz")
test_images, test_labels = read_npz("data/test.npz")
print("Training images:", images.shape[0], "x", images.shape[1], "->", images.shape, "labels:", labels.shape)
print("Test images:", test_images.shape[0], "x", test_images.shape[1], "->", test_images.shape, "labels:", test_labels.shape)

# %%
class ConvolutionalNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(10, 1, 8, 8))
        self.bias = nn.Parameter(torch.empty(10))
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)
        self.output = nn.Linear(1210, 10)

    def forward(self, x):
        if x.dim() == 1:
            x = x.unsqueeze(0)
        x = x.view(x.size(0), 28, 28).unsqueeze(1)
        z_1 = F.conv2d(x, self.weight, self.bias, stride=2)
        v_1 = torch.max(z_1, torch.zeros(1))
        return self.output(v_1.view(v_1.size(0), -1))

network = ConvolutionalNetwork()
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD([
    {"params": [network.weight, network.bias]},
    {"params": network.output.parameters()},
], lr=0.01)

# %%
one_hot_rows = [F.one_hot(torch.tensor(c), 10).float() for c in range(10)]

def make_batch(xs, ys, numbers):
    x = torch.stack([xs[n] for n in numbers])
    t = torch.stack([one_hot_rows[ys[n]] for n in numbers])
    return x, t

# %%
train_numbers = list(range(len(images)))
test_numbers = list(range(len(test_images)))
for epoch in range(1, 11):
    random.shuffle(train_numbers)
    train_loss = 0.0
    for k in range(0, len(train_numbers), 30):
        x, t = make_batch(images, labels, train_numbers[k:k + 30])
        output = network(x)
        loss = loss_function(output, t)
        loss.backward()
        optimizer.step()
        for p in network.parameters():
            p.grad = None
        train_loss += loss.item() * len(x)

    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for k in range(0, len(test_numbers), 30):
            numbers = test_numbers[k:k + 30]
            x, t = make_batch(test_images, test_labels, numbers)
            output = network(x)
            test_loss += loss_function(output, t).item() * len(x)
            for prediction, truth in zip(output.argmax(dim=1).tolist(), t.argmax(dim=1).tolist()):
                correct += prediction == truth
    print(f"Epoch {epoch}: loss on training data {train_loss / len(images):.4f}; on test data {test_loss / len(test_images):.4f}; "
          f"{correct} correct, {len(test_images) - correct} wrong, accuracy {correct / len(test_images):.4f}")

# %%
fig, axes = plt.subplots(5, 2, figsize=(3, 8))
k = 0
for row in axes:
    for axis in row:
        axis.imshow(network.weight.data[k].permute(1, 2, 0), cmap="gray")
        axis.axis("off")
        k += 1
plt.show()
