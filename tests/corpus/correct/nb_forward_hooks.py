# kind: notebook
# style: forward hooks of the student's own catch z_1 and v_1; feature maps and filters plotted
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
import matplotlib.pyplot as plt
import helper_functions as hf

# %%
Xtrain, Ytrain = hf.read_npz("data/train.npz")
Xtest, Ytest = hf.read_npz("data/test.npz")
print('Xtrain', Xtrain.shape, 'Ytrain', Ytrain.shape)
print('Xtest', Xtest.shape, 'Ytest', Ytest.shape)

# %%
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, 2)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(1210, 10)

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        return self.dense(self.flatten(self.relu(self.conv(x))))

model = Model()

# %%
seen = {}

def remember(name):
    def hook(module, args, output):
        seen[name] = output.detach()
    return hook

handles = [
    model.conv.register_forward_hook(remember("z_1")),
    model.relu.register_forward_hook(remember("v_1")),
    model.flatten.register_forward_hook(remember("u_2")),
]

# one image to see the sizes
y_hat = model(Xtrain[0])
for name, t in seen.items():
    print(name, tuple(t.shape))
print("y_hat", tuple(y_hat.shape))

# %%
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %%
for epoch in range(10):
    model.train()
    n_hits = loss_total = 0
    for i in range(0, len(Xtrain), 30):
        x, y = Xtrain[i:i + 30], Ytrain[i:i + 30]
        y_hat = model(x)
        L = criterion(y_hat, F.one_hot(y, num_classes=10).float())
        optimizer.zero_grad()
        L.backward()
        optimizer.step()
        loss_total += L.item() * len(x)
        n_hits += hf.hits(y_hat, y)
    print(f'Epoch {epoch + 1}\n  Train loss: {loss_total / len(Xtrain):.4f}  hits: {n_hits / len(Xtrain) * 100:.2f} %')
    model.eval()
    n_hits = loss_total = 0
    with torch.no_grad():
        for i in range(0, len(Xtest), 30):
            x, y = Xtest[i:i + 30], Ytest[i:i + 30]
            y_hat = model(x)
            L = criterion(y_hat, F.one_hot(y, num_classes=10).float())
            loss_total += L.item() * len(x)
            n_hits += hf.hits(y_hat, y)
    print(f'  Test loss:  {loss_total / len(Xtest):.4f}  hits: {n_hits / len(Xtest) * 100:.2f} %')

# %%
x = Xtest[4]
model(x)
for h in handles:
    h.remove()

# %%
# the feature maps of one image
fig, axs = plt.subplots(2, 10, figsize=(15, 3))
for c in range(10):
    axs[0, c].imshow(seen["z_1"][0, c])
    axs[1, c].imshow(seen["v_1"][0, c])
    axs[0, c].axis("off"); axs[1, c].axis("off")
plt.show()

# %%
hf.plot_filters(x, model.conv.weight.detach(), seen["z_1"], seen["v_1"])
