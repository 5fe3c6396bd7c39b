# kind: module
# style: German names with umlauts in UTF-8, sum of the losses divided by the batch's length, decimal commas in the output
import matplotlib.pyplot as plt
import torch
from torch import nn

from helper_functions import hits, plot_filters, read_npz

STAPELGRÖSSE = 30
EPOCHEN = 10
LERNRATE = 0.01


class Faltungsnetz(nn.Module):
    def __init__(self, kanäle=10, kerngröße=8, schrittweite=2):
        super().__init__()
        self.faltung = nn.Conv2d(1, kanäle, kerngröße, stride=schrittweite)
        self.aktivierung = nn.ReLU()
        self.ausgabe = nn.Linear(kanäle * 11 * 11, 10)

    def forward(self, bilder):
        z_1 = self.faltung(bilder.reshape(-1, 1, 28, 28))
        v_1 = self.aktivierung(z_1)
        return self.ausgabe(v_1.flatten(1)), z_1, v_1


def eins_aus_zehn(klassen):
    return torch.stack([(klassen == k).float() for k in range(10)], dim=1)


def komma(zahl, stellen=4):
    return f"{zahl:.{stellen}f}".replace(".", ",")


def trainieren(netz, verlustfunktion, optimierer, bilder, klassen):
    summe, treffer = 0.0, 0
    for stapel, ziele in zip(bilder.split(STAPELGRÖSSE), klassen.split(STAPELGRÖSSE)):
        optimierer.zero_grad()
        vorhersage, _, _ = netz(stapel)
        verlust = verlustfunktion(vorhersage, eins_aus_zehn(ziele))
        (verlust / len(stapel)).backward()
        optimierer.step()
        summe += verlust.item()
        treffer += hits(vorhersage, ziele)
    return summe / len(bilder), treffer / len(bilder)


def prüfen(netz, verlustfunktion, bilder, klassen):
    netz.eval()
    with torch.no_grad():
        vorhersage, _, _ = netz(bilder)
        verlust = verlustfunktion(vorhersage, eins_aus_zehn(klassen)).item() / len(bilder)
    netz.train()
    return verlust, hits(vorhersage, klassen) / len(bilder)


def haupt():
    trainingsbilder, trainingsklassen = read_npz("data/train.npz")
    testbilder, testklassen = read_npz("data/test.npz")
    print("Größe der Trainingsdaten:", tuple(trainingsbilder.shape), tuple(trainingsklassen.shape))
    print("Größe der Testdaten:", tuple(testbilder.shape), tuple(testklassen.shape))

    netz = Faltungsnetz()
    verlustfunktion = nn.CrossEntropyLoss(reduction="sum")
    optimierer = torch.optim.SGD(netz.parameters(), lr=LERNRATE)

    for epoche in range(EPOCHEN):
        verlust, genauigkeit = trainieren(netz, verlustfunktion, optimierer, trainingsbilder, trainingsklassen)
        testverlust, testgenauigkeit = prüfen(netz, verlustfunktion, testbilder, testklassen)
        print(f"Epoche {epoche + 1}: Verlust {komma(verlust)}, Genauigkeit {komma(100 * genauigkeit, 2)} % – "
              f"Test: Verlust {komma(testverlust)}, Genauigkeit {komma(100 * testgenauigkeit, 2)} %")

    bild = testbilder[0]
    with torch.no_grad():
        _, z_1, v_1 = netz(bild)
    plot_filters(bild, netz.faltung.weight, z_1, v_1)
    plt.close()


if __name__ == "__main__":
    haupt()
