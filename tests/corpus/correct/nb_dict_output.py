# kind: notebook
# style: the forward pass returns a dict; a dataclass of settings, type hints, .to(device), StepLR, argmax of Softmax only for predictions
# %%
from dataclasses import dataclass, asdict

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from helper_functions import read_npz

# %%
@dataclass
class Settings:
    n_filters: int = 10
    kernel: int = 8
    stride: int = 2
    n_classes: int = 10
    batch_size: int = 30
    epochs: int = 10
    lr: float = 0.01
    momentum: float = 0.9
    seed: int = 7

cfg = Settings()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(cfg.seed)
print(asdict(cfg), device)

# %%
X_train, Y_train = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print(f"{X_train.shape=}\n{Y_train.shape=}\n{X_test.shape=}\n{Y_test.shape=}")

# %%
class ConvNet(nn.Module):
    def __init__(self, cfg: Settings) -> None:
        super().__init__()
        side = (28 - cfg.kernel) // cfg.stride + 1
        self.conv = nn.Conv2d(1, cfg.n_filters, cfg.kernel, cfg.stride)
        self.dense = nn.Linear(cfg.n_filters * side * side, cfg.n_classes)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        z_1 = self.conv(x.reshape(-1, 1, 28, 28))
        v_1 = nn.functional.relu(z_1)
        u_2 = v_1.reshape(v_1.shape[0], -1)
        return {"z_1": z_1, "v_1": v_1, "u_2": u_2, "logits": self.dense(u_2)}

# %%
model = ConvNet(cfg).to(device)
criterion = nn.CrossEntropyLoss().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)

# %%
def one_hot(y: Tensor, n: int = cfg.n_classes) -> Tensor:
    return torch.eye(n, device=y.device).index_select(0, y)

def train(epoch: int) -> float:
    model.train()
    order = torch.randperm(len(X_train))
    total = 0.0
    for rows in order.split(cfg.batch_size):
        x, y = X_train[rows].to(device), Y_train[rows].to(device)
        optimizer.zero_grad(set_to_none=True)
        out = model(x)
        loss = criterion(out["logits"], one_hot(y))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    return total / len(X_train)

@torch.no_grad()
def test() -> tuple[float, float]:
    model.eval()
    total, correct = 0.0, 0
    for x, y in zip(X_test.split(cfg.batch_size), Y_test.split(cfg.batch_size)):
        x, y = x.to(device), y.to(device)
        out = model(x)
        total += criterion(out["logits"], one_hot(y)).item() * len(y)
        prob = out["logits"].softmax(dim=1)
        correct += int((prob.argmax(dim=1) == y).sum())
    return total / len(X_test), correct / len(X_test)

# %%
for epoch in range(1, cfg.epochs + 1):
    lr = scheduler.get_last_lr()[0]
    train_loss = train(epoch)
    test_loss, test_acc = test()
    print(f"epoch {epoch:02d} lr {lr:.4f} train loss {train_loss:.4f} test loss {test_loss:.4f} test accuracy {test_acc:.3%}")

# %%
weights = model.conv.weight.detach().cpu()
fig, axes = plt.subplots(1, cfg.n_filters, figsize=(14, 2))
for ax, w in zip(axes, weights):
    ax.imshow(w.squeeze(0), cmap="gray")
    ax.set_xticks([]), ax.set_yticks([])
fig.suptitle("Learned filters")
plt.show()
