# kind: folder
# style: Afrikaans names, files saved on Windows: CRLF line endings, a UTF-8 BOM at the start of main.py and netwerk.py; early return guards
# file: netwerk.py
﻿import torch
import torch.nn as nn


class Netwerk(nn.Module):
    def __init__(self):
        super(Netwerk, self).__init__()
        self.konvolusie = nn.Conv2d(1, 10, 8, stride=2)
        self.relu = nn.ReLU()
        self.dig = nn.Linear(1210, 10)

    def forward(self, x):
        if x.dim() == 1:
            x = x.unsqueeze(0)
        z_1 = self.konvolusie(x.view(-1, 1, 28, 28))
        v_1 = self.relu(z_1)
        u_2 = v_1.view(-1, 10 * 11 * 11)
        y_hoed = self.dig(u_2)
        return y_hoed, z_1, v_1


def een_warm(etikette):
    # een ry per beeld, met 'n 1 by die regte klas – presies soos gevra
    warm = torch.zeros(etikette.size(0), 10)
    for ry, klas in enumerate(etikette.tolist()):
        warm[ry, klas] = 1.0
    return warm
# file: fases.py
import torch

from helper_functions import hits

BONDEL = 30


def oefen(model, kriterium, optimeerder, X, W, Y):
    verlies = 0.0
    treffers = 0
    for begin in range(0, X.shape[0], BONDEL):
        einde = begin + BONDEL
        y_hoed, _, _ = model(X[begin:einde])
        fout = kriterium(y_hoed, W[begin:einde])
        optimeerder.zero_grad()
        fout.backward()
        optimeerder.step()
        verlies += fout.item() * y_hoed.shape[0]
        treffers += hits(y_hoed, Y[begin:einde])
    return verlies / X.shape[0], treffers / X.shape[0]


def toets(model, kriterium, X, W, Y):
    if X.shape[0] == 0:
        return 0.0, 0.0
    verlies = 0.0
    treffers = 0
    with torch.no_grad():
        for begin in range(0, X.shape[0], BONDEL):
            einde = begin + BONDEL
            y_hoed, _, _ = model(X[begin:einde])
            verlies += kriterium(y_hoed, W[begin:einde]).item() * y_hoed.shape[0]
            treffers += hits(y_hoed, Y[begin:einde])
    return verlies / X.shape[0], treffers / X.shape[0]
# file: main.py
﻿import os
import sys

import torch
import torch.nn as nn

from fases import oefen, toets
from helper_functions import plot_filters, read_npz
from netwerk import Netwerk, een_warm

AANTAL_EPOGGE = 10
LEERTEMPO = 0.01


def hoof():
    lêer = os.path.join("data", "train.npz")
    if not os.path.exists(lêer):
        print("Die data is nie hier nie:", lêer)
        return 1

    oefen_X, oefen_Y = read_npz(lêer)
    toets_X, toets_Y = read_npz(os.path.join("data", "test.npz"))
    print("Oefendata: ", oefen_X.shape, oefen_Y.shape)
    print("Toetsdata: ", toets_X.shape, toets_Y.shape)
    oefen_W = een_warm(oefen_Y)
    toets_W = een_warm(toets_Y)

    model = Netwerk()
    kriterium = nn.CrossEntropyLoss()
    optimeerder = torch.optim.SGD(model.parameters(), lr=LEERTEMPO)

    for epog in range(AANTAL_EPOGGE):
        verlies, akkuraatheid = oefen(model, kriterium, optimeerder, oefen_X, oefen_W, oefen_Y)
        print("Epog {}: oefenverlies {:.4f}, oefenakkuraatheid {:.2f}%".format(epog + 1, verlies, 100 * akkuraatheid))
        verlies, akkuraatheid = toets(model, kriterium, toets_X, toets_W, toets_Y)
        print("         toetsverlies {:.4f}, toetsakkuraatheid {:.2f}%".format(verlies, 100 * akkuraatheid))

    with torch.no_grad():
        y_hoed, z_1, v_1 = model(toets_X[0])
    plot_filters(toets_X[0], model.konvolusie.weight, z_1, v_1)
    return 0


if __name__ == "__main__":
    sys.exit(hoof())
