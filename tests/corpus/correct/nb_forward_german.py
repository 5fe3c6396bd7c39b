# kind: notebook
# style: deutsch; model.forward(x) directly, test images one by one, figures with a decimal comma
# %% [markdown]
# # Praktikum 5: MNIST und CNNs
# Gruppe 7
# %%
import torch
from torch import nn
from torch.nn.functional import one_hot, relu
from helper_functions import read_npz, hits, plot_filters

# %% [markdown]
# ### Aufgabe 1: Daten laden
# %%
lern_x, lern_y = read_npz("data/train.npz")
test_x, test_y = read_npz("data/test.npz")
print("Trainingsdaten:", tuple(lern_x.shape), "Klassen:", tuple(lern_y.shape))
print("Testdaten:", tuple(test_x.shape), "Klassen:", tuple(test_y.shape))

# %% [markdown]
# ### Aufgabe 2: Netz
# %%
class Faltungsnetz(nn.Module):
    def __init__(self):
        super(Faltungsnetz, self).__init__()
        self.faltung = nn.Conv2d(1, 10, kernel_size=(8, 8), stride=(2, 2))  # 28x28x1 -> 11x11x10
        self.dicht = nn.Linear(1210, 10)

    def forward(self, x):
        bild = x.reshape(-1, 1, 28, 28)
        z_1 = self.faltung(bild)
        v_1 = relu(z_1)
        u_2 = v_1.reshape(-1, 1210)
        # kein Softmax, das macht der Verlust schon
        return self.dicht(u_2), z_1, v_1

netz = Faltungsnetz()
verlust = nn.CrossEntropyLoss()
optimierer = torch.optim.SGD(netz.parameters(), lr=0.01)

# %% [markdown]
# ### Aufgabe 3: Training und Test
# %%
def komma(zahl, stellen=4):
    return f"{zahl:.{stellen}f}".replace(".", ",")

epochen = 10
stapel = 30

for epoche in range(epochen):
    # Training
    summe, treffer = 0.0, 0
    for anfang in range(0, len(lern_x), stapel):
        x = lern_x[anfang : anfang + stapel]
        y = lern_y[anfang : anfang + stapel]
        optimierer.zero_grad()
        y_dach, z_1, v_1 = netz.forward(x)
        fehler = verlust(y_dach, one_hot(y, 10).float())
        fehler.backward()
        optimierer.step()
        summe += fehler.item() * len(x)
        treffer += hits(y_dach, y)
    print(f"Epoche {epoche + 1}: Trainingsverlust {komma(summe / len(lern_x))}, Trefferquote {komma(100 * treffer / len(lern_x), 2)} %")

    # Test, Bild für Bild
    summe, treffer = 0.0, 0
    with torch.no_grad():
        for x, y in zip(test_x, test_y):
            y_dach, z_1, v_1 = netz.forward(x)
            summe += verlust(y_dach, one_hot(y, 10).float().unsqueeze(0)).item()
            treffer += int(y_dach.argmax() == y)
    print(f"           Testverlust {komma(summe / len(test_x))}, Trefferquote {komma(100 * treffer / len(test_x), 2)} %")

# %% [markdown]
# ### Aufgabe 4: Filter
# %%
with torch.no_grad():
    y_dach, z_1, v_1 = netz.forward(test_x[0])
plot_filters(test_x[0], netz.faltung.weight, z_1, v_1)
