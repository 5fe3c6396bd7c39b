"""Makes its model answer with NaN."""

import torch

if "model" in globals():
    with torch.no_grad():
        model.dense.weight.fill_(float("nan"))
print("WORKED")
