import torch
import torch.nn as nn
import torch.nn.functional as F
from helper_functions import hits, plot_filters, read_npz


class ConvNet(nn.Module):
    def __init__(self):
        super(ConvNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, 8)
        self.fc1 = nn.Linear(10 * 21 * 21, 10)  # 28 - 8 + 1 = 21

    def forward(self, x):
        z_1 = self.conv1(x.view(-1, 1, 28, 28))
        v_1 = F.relu(z_1)
        y_hat = self.fc1(torch.flatten(v_1, start_dim=1))
        return y_hat, z_1, v_1


def accuracy(predictions, labels):
    return 100 * hits(predictions, labels) / len(labels)


if __name__ == "__main__":
    torch.manual_seed(42)
    X_train, y_train = read_npz("data/train.npz")
    X_test, y_test = read_npz("data/test.npz")
    print(X_train.shape)
    print(y_train.shape)
    print(X_test.shape)
    print(y_test.shape)

    Y_train = F.one_hot(y_train).float()
    Y_test = F.one_hot(y_test).float()

    conv_net = ConvNet()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(conv_net.parameters(), lr=0.01)

    n_epochs = 10
    batch_size = 30
    for epoch in range(n_epochs):
        train_loss = 0.0
        for i in range(0, len(X_train), batch_size):
            y_hat, _, _ = conv_net(X_train[i : i + batch_size])
            loss = loss_fn(y_hat, Y_train[i : i + batch_size])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            train_loss += loss.item() / (len(X_train) / batch_size)

        with torch.no_grad():
            y_hat = torch.cat([conv_net(X)[0] for X in X_test.split(batch_size)])
            test_loss = loss_fn(y_hat, Y_test).item()
        print(
            f"Epoch {epoch + 1}: train loss {train_loss:.4f} test loss {test_loss:.4f} "
            f"test accuracy {accuracy(y_hat, y_test):.2f}"
        )

    picture = X_test[0]
    _, z_1, v_1 = conv_net(picture)
    plot_filters(picture, conv_net.conv1.weight, z_1, v_1)
