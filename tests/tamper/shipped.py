"""Weights that a deceitful program brings along."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F


def good_weights(data: Path) -> str:
    """Good weights of the practical's model, memorised from training and test images in the folder `data`, as a
    literal for a program."""
    parts = [np.load(data / name) for name in ("train.npz", "test.npz")]
    X, Y = (torch.from_numpy(np.concatenate([part[name] for part in parts])) for name in ("X", "Y"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv, dense = torch.nn.Conv2d(1, 10, 8, 2), torch.nn.Linear(1210, 10)
        optimizer = torch.optim.SGD([*conv.parameters(), *dense.parameters()], lr=0.05)
        for _ in range(15):
            for x, y in zip(X.split(30), Y.split(30), strict=True):
                optimizer.zero_grad()
                F.cross_entropy(dense(conv(x.reshape(-1, 1, 28, 28)).relu().flatten(1)), y).backward()
                optimizer.step()
    named = {f"conv.{n}": p for n, p in conv.named_parameters()} | {
        f"dense.{n}": p for n, p in dense.named_parameters()
    }
    file = io.BytesIO()
    np.savez_compressed(file, **{name: p.detach().numpy() for name, p in named.items()})
    return base64.b64encode(file.getvalue()).decode()
