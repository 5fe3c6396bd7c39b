# kind: module
# style: a beginner's: all global, nn.Sequential with Unflatten and Flatten, functions that change globals, a for loop for the one-hot
from helper_functions import *
import torch
import matplotlib.pyplot as plt

# Question 1
x_train, y_train = read_npz("data/train.npz")
x_test, y_test = read_npz("data/test.npz")

print(x_train.shape)
print(y_train.shape)
print(x_test.shape)
print(y_test.shape)

# Question 2
net = torch.nn.Sequential(
    torch.nn.Unflatten(1, (1, 28, 28)),
    torch.nn.Conv2d(1, 10, 8, stride=2),
    torch.nn.ReLU(),
    torch.nn.Flatten(),
    torch.nn.Linear(1210, 10),
)

loss_func = torch.nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.01)

# make the one hot vectors
y_train_hot = torch.zeros((y_train.shape[0], 10))
for i in range(y_train.shape[0]):
    y_train_hot[i][y_train[i]] = 1
y_test_hot = torch.zeros((y_test.shape[0], 10))
for i in range(y_test.shape[0]):
    y_test_hot[i][y_test[i]] = 1

batch_size = 30
total_train = 0
right_train = 0
total_test = 0
right_test = 0


# Question 3
def do_train():
    global total_train, right_train
    total_train = 0
    right_train = 0
    number_of_batches = int(x_train.shape[0] / batch_size)
    for b in range(number_of_batches):
        begin = b * batch_size
        end = begin + batch_size
        inputs = x_train[begin:end]
        outputs = net(inputs)
        l = loss_func(outputs, y_train_hot[begin:end])
        opt.zero_grad()
        l.backward()
        opt.step()
        total_train = total_train + l.item()
        right_train = right_train + hits(outputs, y_train[begin:end])
    total_train = total_train / number_of_batches


def do_test():
    global total_test, right_test
    total_test = 0
    right_test = 0
    # one image at a time
    with torch.no_grad():
        for i in range(x_test.shape[0]):
            outputs = net(x_test[i:i + 1])
            l = loss_func(outputs, y_test_hot[i:i + 1])
            total_test = total_test + l.item()
            if torch.argmax(outputs) == y_test[i]:
                right_test = right_test + 1
    total_test = total_test / x_test.shape[0]


for epoch in range(10):
    do_train()
    do_test()
    print("EPOCH", epoch + 1)
    print("   train loss:", total_train, "train accuracy:", right_train / x_train.shape[0] * 100)
    print("   test loss: ", total_test, "test accuracy: ", right_test / x_test.shape[0] * 100)

# Question 4
w = net[1].weight.detach().numpy()
plt.figure(figsize=(10, 4))
for i in range(10):
    plt.subplot(2, 5, i + 1)
    plt.imshow(w[i][0], cmap="gray")
    plt.title(str(i))
plt.show()
