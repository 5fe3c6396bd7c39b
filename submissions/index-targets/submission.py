# Practical 5

import helper_functions as h
import torch
import torch.nn as nn
import torch.optim as optim

##### QUESTION 1 #####
Xtr, Ttr = h.read_npz("data/train.npz")
Xte, Tte = h.read_npz("data/test.npz")
print("Xtr =", Xtr.shape, " Ttr =", Ttr.shape)
print("Xte =", Xte.shape, " Tte =", Tte.shape)


##### QUESTION 2 #####
class ImageNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.H = nn.Conv2d(in_channels=1, out_channels=10, kernel_size=8, stride=2)
        self.sigma = nn.ReLU()
        self.W = nn.Linear(in_features=1210, out_features=10)

    def forward(self, x):
        U = x.reshape(-1, 1, 28, 28)
        Z = self.H(U)
        V = self.sigma(Z)
        u = V.reshape(-1, 1210)
        return self.W(u), Z, V


f = ImageNet()
E = nn.CrossEntropyLoss()
descent = optim.SGD(f.parameters(), lr=0.01)

##### QUESTION 3 #####
P = len(Ttr)
for epoch in range(10):
    Esum = 0
    correct = 0
    for p in range(0, P, 30):
        x = Xtr[p : p + 30]
        t = Ttr[p : p + 30]
        y, Z, V = f(x)
        error = E(y, t)  # class numbers are fine here, no one-hot needed
        descent.zero_grad()
        error.backward()
        descent.step()
        Esum = Esum + error.item()
        correct = correct + h.hits(y, t)

    Etest = 0
    correct_test = 0
    with torch.no_grad():
        for p in range(0, len(Tte), 30):
            x = Xte[p : p + 30]
            t = Tte[p : p + 30]
            y, Z, V = f(x)
            Etest = Etest + E(y, t).item()
            correct_test = correct_test + h.hits(y, t)

    print("Epoch", epoch + 1, end=" ")
    print("Loss: %.4f Accuracy: %.2f" % (Esum / P, 100 * correct / P), end=" ")
    print("Test Loss: %.4f Test Accuracy: %.2f" % (Etest / len(Tte), 100 * correct_test / len(Tte)))

##### QUESTION 4 #####
x = Xte[10]
y, Z, V = f(x)
h.plot_filters(x, f.H.weight, Z, V)
