# kind: notebook
# style: windows by tensor.unfold and einsum, the filters a parameter (10, 8, 8), cross entropy by logsumexp, relu_ in place
# %%
import torch
from torch import nn
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits

# %%
x_train, y_train = read_npz("data/train.npz")
x_test, y_test = read_npz("data/test.npz")
print("Question 1:")
print("train", x_train.shape, y_train.shape)
print("test", x_test.shape, y_test.shape)

# %%
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("filters", nn.Parameter(torch.empty(10, 8, 8).uniform_(-1 / 8, 1 / 8)))
        self.register_parameter("offsets", nn.Parameter(torch.zeros(10)))
        self.dense = nn.Linear(1210, 10)

    def convolve(self, x):
        windows = x.view(-1, 28, 28).unfold(1, 8, 2).unfold(2, 8, 2)        # N, 11, 11, 8, 8
        z = torch.einsum("nijkl,ckl->ncij", windows, self.filters)
        return z + self.offsets.view(1, 10, 1, 1)

    def forward(self, x):
        v_1 = self.convolve(x).relu_()
        return self.dense(v_1.reshape(v_1.shape[0], 1210))

model = CNN()
model(x_train[:4]).shape

# %%
def loss_fn(y_hat, t):
    # log sum exp(y_hat) - y_hat[right class], mean over the batch
    return (torch.logsumexp(y_hat, dim=1) - (t * y_hat).sum(dim=1)).mean()

# compare with torch
out, t = model(x_train[:30]), torch.eye(10)[y_train[:30]]
print(loss_fn(out, t).item(), nn.CrossEntropyLoss()(out, t).item())

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
t_train, t_test = torch.eye(10)[y_train], torch.eye(10)[y_test]

# %%
curve = []
for epoch in range(10):
    for i in range(0, len(x_train), 30):
        loss = loss_fn(model(x_train[i:i+30]), t_train[i:i+30])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    with torch.no_grad():
        out = torch.vstack([model(part) for part in x_test.split(250)])
    print("epoch", epoch + 1,
          "| last 100 training losses", round(sum(curve[-100:]) / 100, 4),
          "| test loss", round(loss_fn(out, t_test).item(), 4),
          "| test error", round(1 - hits(out, y_test) / len(y_test), 4),
          "| test accuracy", round(hits(out, y_test) / len(y_test), 4))

# %%
plt.plot(curve, linewidth=0.5)
plt.xlabel("batch"); plt.ylabel("loss")
plt.show()

# %%
fig, axs = plt.subplots(2, 5)
axs = axs.reshape(-1)
for ax, f in zip(axs, model.filters):
    ax.imshow(f.detach().numpy(), cmap="gray")
    ax.axis("off")
plt.show()
