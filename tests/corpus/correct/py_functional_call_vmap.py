# kind: module
# style: a model of one image, torch.func.functional_call under vmap over the batch, loss.backward and SGD as usual
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, vmap

from helper_functions import hits, plot_filters, read_npz


class OneImage(nn.Module):
    """Written for exactly one image of 784 pixels; vmap takes care of the batch."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, 2)
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        z_1 = self.conv(x.reshape(1, 28, 28))
        v_1 = F.relu(z_1)
        return self.dense(v_1.reshape(1210)), z_1, v_1


def main():
    torch.manual_seed(8)
    X, Y = read_npz("data/train.npz")
    X_test, Y_test = read_npz("data/test.npz")
    for name, value in {"X": X, "Y": Y, "X_test": X_test, "Y_test": Y_test}.items():
        print(f"{name}.shape: {tuple(value.shape)}")

    model = OneImage()
    parameters = dict(model.named_parameters())
    batched = vmap(lambda x: functional_call(model, parameters, (x,)))
    sgd = torch.optim.SGD(parameters.values(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()

    for epoch in range(10):
        total = 0.0
        for rows in torch.randperm(len(X)).split(30):
            logits, _, _ = batched(X[rows])
            loss = loss_of(logits, F.one_hot(Y[rows], 10).float())
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            total += loss.item() * len(rows)

        with torch.no_grad():
            logits, _, _ = batched(X_test)
            test_loss = loss_of(logits, F.one_hot(Y_test, 10).float())
        print(f"epoch {epoch + 1}: loss {total / len(X):.4f}; test loss {test_loss:.4f}, "
              f"test accuracy {hits(logits, Y_test) / len(Y_test):.4f}")

    with torch.no_grad():
        _, z_1, v_1 = model(X_test[0])
    plot_filters(X_test[0], model.conv.weight, z_1.unsqueeze(0), v_1.unsqueeze(0))
    plt.close()


if __name__ == "__main__":
    main()
