# kind: notebook
# style: two modules inside a third, Nesterov momentum, torch.split, gradients cleared at the end of the step
# %%
import torch
import torch.nn as nn
from helper_functions import read_npz, plot_filters, hits

# %% [markdown]
# Question 1
# %%
train_x, train_y = read_npz('data/train.npz')
test_x, test_y = read_npz('data/test.npz')
print('shape of train_x', train_x.shape)
print('shape of train_y', train_y.shape)
print('shape of test_x', test_x.shape)
print('shape of test_y', test_y.shape)

# %% [markdown]
# Question 2.1 and 2.2
# %%
class FeatureExtractor(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, stride):
        super(FeatureExtractor, self).__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel_size=kernel, stride=stride)
        self.activation = nn.ReLU()

    def forward(self, image):
        z = self.convolution(image)
        return z, self.activation(z)


class Classifier(nn.Module):
    def __init__(self, n_in, n_out):
        super(Classifier, self).__init__()
        self.dense = nn.Linear(n_in, n_out)

    def forward(self, maps):
        return self.dense(torch.flatten(maps, start_dim=1))


class CNN(nn.Module):
    def __init__(self):
        super(CNN, self).__init__()
        self.extractor = FeatureExtractor(1, 10, 8, 2)
        self.classifier = Classifier(11 * 11 * 10, 10)

    def forward(self, x):
        image = x.view(-1, 1, 28, 28)
        z_1, v_1 = self.extractor(image)
        y_hat = self.classifier(v_1)
        return y_hat, z_1, v_1

# %% [markdown]
# Question 2.3
# %%
cnn = CNN()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(cnn.parameters(), lr=0.01, momentum=0.9, nesterov=True)

# %% [markdown]
# Question 3
# %%
def to_one_hot(y):
    out = torch.zeros(y.shape[0], 10)
    out.scatter_(dim=1, index=y.view(-1, 1), value=1)
    return out

def run_epoch(x_all, y_all, learn):
    loss_total, correct = 0.0, 0
    for x, y in zip(torch.split(x_all, 30), torch.split(y_all, 30)):
        y_hat, _, _ = cnn(x)
        loss = loss_fn(y_hat, to_one_hot(y))
        if learn:
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        loss_total += loss.item() * y.shape[0]
        correct += hits(y_hat, y)
    return loss_total / len(x_all), correct / len(x_all)

for epoch in range(10):
    a = run_epoch(train_x, train_y, learn=True)
    with torch.no_grad():
        b = run_epoch(test_x, test_y, learn=False)
    print('Epoch %2d   Train: loss %.4f acc %.4f   Test: loss %.4f acc %.4f' % (epoch + 1, *a, *b))

# %% [markdown]
# Question 4
# %%
sample = train_x[11]
with torch.no_grad():
    y_hat, z_1, v_1 = cnn(sample)
print('predicted', y_hat.argmax().item(), 'true', train_y[11].item())
plot_filters(sample, cnn.extractor.convolution.weight.data, z_1, v_1)
