import torch
from torch.nn.functional import one_hot

from helper_functions import hits
from settings import BATCH


def run_epoch(net, loss_function, images, labels, optimizer=None):
    """One pass over the data; it only trains the network if there is an optimizer."""
    targets = one_hot(labels, 10).float()
    total_loss = total_hits = 0
    with torch.set_grad_enabled(optimizer is not None):
        for start in range(0, len(images), BATCH):
            batch = slice(start, start + BATCH)
            scores, _, _ = net(images[batch])
            loss = loss_function(scores, targets[batch])
            if optimizer is not None:
                update(optimizer, loss)
            total_loss += loss.item() * len(scores)
            total_hits += hits(scores, labels[batch])
    return total_loss / len(images), total_hits / len(images)


def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
