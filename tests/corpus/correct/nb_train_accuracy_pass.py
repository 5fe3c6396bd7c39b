# kind: notebook
# style: a Module that overrides __call__; log-softmax and negative log likelihood by hand, while loop, an extra pass over the training set for its accuracy
# %%
import torch
import torch.nn as nn
from helper_functions import read_npz, hits, plot_filters

X_tr, Y_tr = read_npz("data/train.npz")
X_te, Y_te = read_npz("data/test.npz")
X_tr.shape, Y_tr.shape, X_te.shape, Y_te.shape

# %%
class cnn_model(nn.Module):
    def __init__(self, input_size=28, filter_size=8, n_filters=10, stride=2, n_out=10):
        super(cnn_model, self).__init__()
        self.input_size = input_size
        self.out_size = int((input_size - filter_size) / stride + 1)
        self.n_filters = n_filters
        self.convlayer = nn.Conv2d(1, n_filters, filter_size, stride=stride)
        self.outlayer = nn.Linear(n_filters * self.out_size * self.out_size, n_out)

    def forward(self, x):
        # x: (784) or (N, 784)
        x = x.reshape(-1, 1, self.input_size, self.input_size)
        # z_1: (N, 10, 11, 11)
        z_1 = self.convlayer(x)
        v_1 = z_1.clamp(min=0.0)
        # u_2: (N, 1210)
        u_2 = v_1.reshape(-1, self.n_filters * self.out_size * self.out_size)
        y_hat = self.outlayer(u_2)
        return (y_hat, z_1, v_1)

    def __call__(self, x):
        return self.forward(x)

# %%
my_model = cnn_model()
log_softmax = nn.LogSoftmax(dim=1)
my_optimizer = torch.optim.SGD(my_model.parameters(), lr=0.01)

def my_loss(y_hat, target):
    return torch.mean(-torch.sum(target * log_softmax(y_hat), dim=1))

def my_onehot(labels):
    return torch.stack([torch.eye(10)[int(k)] for k in labels])

onehot_tr = my_onehot(Y_tr)
onehot_te = my_onehot(Y_te)

# %%
def evaluate(X, Y, T, step=500):
    loss, n = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(X), step):
            y_hat = my_model(X[i:i + step])[0]
            loss += my_loss(y_hat, T[i:i + step]).item() * len(y_hat)
            n += hits(y_hat, Y[i:i + step])
    return loss / len(X), 100.0 * n / len(X)

# %%
epoch = 1
while epoch <= 10:
    i = 0
    while i + 30 <= len(X_tr):
        y_hat, _, _ = my_model(X_tr[i:i + 30])
        loss = my_loss(y_hat, onehot_tr[i:i + 30])
        my_model.zero_grad()
        loss.backward()
        my_optimizer.step()
        i = i + 30
    print("Epoch:", epoch)
    print("Training loss: %.4f, training accuracy: %.2f%%" % evaluate(X_tr, Y_tr, onehot_tr))
    print("Test loss: %.4f, test accuracy: %.2f%%" % evaluate(X_te, Y_te, onehot_te))
    epoch += 1

# %%
x = X_te[9]
out = my_model(x)
plot_filters(x, my_model.convlayer.weight.data, out[1], out[2])
