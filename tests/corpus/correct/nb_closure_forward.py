# kind: notebook
# style: a closure that returns the forward function, own SGD under no_grad, grad = None, cross entropy written by hand
# %%
import torch
import matplotlib.pyplot as plt
from helper_functions import read_npz, hits, plot_filters

# %%
X, Y = read_npz("data/train.npz")
X_t, Y_t = read_npz("data/test.npz")
print("Training:", X.shape, Y.shape, "\nTest:    ", X_t.shape, Y_t.shape)

# %%
def make_cnn(channels=10, size=8, stride=2, classes=10):
    a = 1 / size
    b = 1210 ** -0.5
    H = torch.empty(channels, 1, size, size).uniform_(-a, a)
    h = torch.empty(channels).uniform_(-a, a)
    W = torch.empty(1210, classes).uniform_(-b, b)
    w = torch.empty(classes).uniform_(-b, b)
    params = [H, h, W, w]
    for p in params:
        p.requires_grad_()

    def forward(x):
        x = x.reshape((-1, 1, 28, 28))
        z_1 = torch.conv2d(x, H, h, stride=stride)
        v_1 = torch.clamp(z_1, min=0)
        u_2 = v_1.reshape(x.shape[0], -1)
        return u_2 @ W + w, z_1, v_1

    return forward, params

forward, params = make_cnn()

# %%
def cross_entropy(y_hat, t):
    """-sum t log softmax(y_hat), mean over the batch"""
    log_p = torch.log_softmax(y_hat, dim=1)
    return -(t * log_p).sum(1).mean()

def one_hot(y):
    return (y[:, None] == torch.arange(10)).float()

def batches(X, Y, size):
    for i in range(0, len(X), size):
        yield X[i:i+size], Y[i:i+size]

# %%
eta = 0.01

for epoch in range(10):
    # training
    l, c = 0, 0
    for x, y in batches(X, Y, 30):
        y_hat, _, _ = forward(x)
        loss = cross_entropy(y_hat, one_hot(y))
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= eta * p.grad
        for p in params:
            p.grad = None
        l += loss.item() * len(x)
        c += hits(y_hat, y)
    print(f"epoch {epoch+1}: train loss {l/len(X):.5f}, {c} of {len(X)} right")

    # test
    l, c = 0, 0
    with torch.no_grad():
        for x, y in batches(X_t, Y_t, 30):
            y_hat, _, _ = forward(x)
            l += cross_entropy(y_hat, one_hot(y)).item() * len(x)
            c += hits(y_hat, y)
    print(f"         test loss {l/len(X_t):.5f}, {c} of {len(X_t)} right = {c/len(X_t):.2%}")

# %%
with torch.no_grad():
    _, z_1, v_1 = forward(X_t[7])
plot_filters(X_t[7], params[0], z_1, v_1)
