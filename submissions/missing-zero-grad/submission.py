import torch
import torch.nn as nn
from helper_functions import hits, plot_filters, read_npz

train_data, train_targets = read_npz("data/train.npz")
test_data, test_targets = read_npz("data/test.npz")

print("Train data   ", tuple(train_data.shape))
print("Train targets", tuple(train_targets.shape))
print("Test data    ", tuple(test_data.shape))
print("Test targets ", tuple(test_targets.shape))


class CNN(nn.Module):
    def __init__(self, K=10, N=8, stride=2):
        super().__init__()
        Q = (28 - N) // stride + 1
        self.layer_1 = nn.Conv2d(1, K, N, stride)
        self.relu = nn.ReLU()
        self.layer_2 = nn.Linear(Q * Q * K, 10)

    def forward(self, x):
        U = torch.reshape(x, (-1, 1, 28, 28))
        z_1 = self.layer_1(U)
        v_1 = self.relu(z_1)
        u_2 = torch.reshape(v_1, (U.shape[0], -1))
        return self.layer_2(u_2), z_1, v_1


def make_one_hot(classes):
    encoded = torch.zeros(len(classes), 10)
    encoded[torch.arange(len(classes)), classes] = 1.0
    return encoded


cnn = CNN()
loss_function = nn.CrossEntropyLoss()
# with 0.01 the loss jumped around and did not go down, 0.001 works
optimizer = torch.optim.SGD(cnn.parameters(), lr=0.001)

for epoch in range(1, 10 + 1):
    sum_of_losses = 0
    number_of_hits = 0
    for start in range(0, len(train_data), 30):
        x = train_data[start : start + 30]
        y = train_targets[start : start + 30]
        y_hat, z_1, v_1 = cnn(x)
        loss = loss_function(y_hat, make_one_hot(y))
        loss.backward()
        optimizer.step()
        sum_of_losses += loss.item()
        number_of_hits += hits(y_hat, y)

    test_loss = 0
    test_hits = 0
    for start in range(0, len(test_data), 30):
        x = test_data[start : start + 30]
        y = test_targets[start : start + 30]
        with torch.no_grad():
            y_hat, z_1, v_1 = cnn(x)
            test_loss += loss_function(y_hat, make_one_hot(y)).item()
        test_hits += hits(y_hat, y)

    print(f"Epoch {epoch}", end=" ")
    print(f"Loss: {sum_of_losses / len(train_data):.4f} Accuracy: {100 * number_of_hits / len(train_data):.2f}", end=" ")
    print(f"Test Loss: {test_loss / len(test_data):.4f} Test Accuracy: {100 * test_hits / len(test_data):.2f}")

one_image = test_data[20]
y_hat, z_1, v_1 = cnn(one_image)
plot_filters(one_image, cnn.layer_1.weight, z_1, v_1)
