# kind: notebook
# style: raw tensors, torch.autograd.grad and p.data.sub_, ReLU by F.threshold, no .grad ever filled
# %%
import torch, math
import torch.nn.functional as F
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
train_images, train_labels = read_npz("data/train.npz")
test_images, test_labels = read_npz("data/test.npz")
print(f"train images {train_images.shape}, train labels {train_labels.shape}")
print(f"test images {test_images.shape}, test labels {test_labels.shape}")

# %%
torch.manual_seed(2023)
theta = {
    "filters": torch.randn(10, 1, 8, 8) * math.sqrt(2 / 64) * 0.5,
    "filter_bias": torch.zeros(10),
    "dense": torch.randn(10, 1210) / math.sqrt(1210),
    "dense_bias": torch.zeros(10),
}
for tensor in theta.values():
    tensor.requires_grad = True

def cnn(x, theta):
    """logits and the two intermediate maps"""
    x = x.view(-1, 1, 28, 28)
    z_1 = F.conv2d(x, theta["filters"], theta["filter_bias"], stride=2)
    v_1 = F.threshold(z_1, 0.0, 0.0)
    u_2 = v_1.view(-1, 10 * 11 * 11)
    return F.linear(u_2, theta["dense"], theta["dense_bias"]), z_1, v_1

# %%
lr = 0.01
I = torch.eye(10)
num_epochs = 10

for epoch in range(num_epochs):
    epoch_loss = 0.0
    epoch_hits = 0
    for lo in range(0, len(train_images), 30):
        x = train_images[lo:lo + 30]
        y = train_labels[lo:lo + 30]
        logits, _, _ = cnn(x, theta)
        loss = F.cross_entropy(logits, I[y])
        grads = torch.autograd.grad(loss, list(theta.values()))
        for p, g in zip(theta.values(), grads):
            p.data.sub_(lr * g)
        epoch_loss += loss.detach().item() * x.shape[0]
        epoch_hits += hits(logits, y)

    test_loss = 0.0
    test_hits = 0
    for lo in range(0, len(test_images), 30):
        x = test_images[lo:lo + 30]
        y = test_labels[lo:lo + 30]
        with torch.no_grad():
            logits, _, _ = cnn(x, theta)
            test_loss += F.cross_entropy(logits, I[y]).item() * x.shape[0]
            test_hits += hits(logits, y)

    print(f"Epoch {epoch + 1}/{num_epochs}: "
          f"loss {epoch_loss / len(train_images):.4f}, acc {epoch_hits / len(train_images):.4f}, "
          f"val_loss {test_loss / len(test_images):.4f}, val_acc {test_hits / len(test_images):.4f}")

# %%
_, z_1, v_1 = cnn(test_images[0], theta)
plot_filters(test_images[0], theta["filters"], z_1, v_1)
