"""Accuracy from the trusted side's own forward pass: recorded weights, own images, own labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from grader.evidence.values import Node, Trace
from grader.verify.graph import Graph
from grader.verify.inputs import Batches, Form, batch_form
from grader.verify.replay import Replay, ReplayError
from grader.verify.result import Architecture

CHUNK = 500


def _is_plain(architecture: Architecture) -> bool:
    """Convolution with bias, ReLU, flattening in torch's order, dense layer with bias; compared by value before."""
    return (
        architecture.flatten_order == "channels first"
        and architecture.activation == "ReLU"
        and not architecture.extra
        and len(architecture.parameters) == 4
        # The dense layer takes all that the convolution makes of one image, and not a part of it or of several images.
        and architecture.dense_in == math.prod(architecture.convolution_shape or ())
    )


@dataclass(frozen=True)
class Judged:
    """Scores against labels: `losses` and `right` have one entry an image."""

    predicted: np.ndarray
    losses: np.ndarray
    right: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(self.right.mean()) if len(self.right) else math.nan


class Model:
    """The student's model as recorded operations: images (N, 784) in [0, 1] -> scores (N, classes)."""

    def __init__(self, graph: Graph, event: int, scores: int, batches: Batches, architecture: Architecture | None):
        self._plain = architecture if architecture is not None and _is_plain(architecture) else None
        self._trace: Trace = graph.trace
        self._event = event
        self._scores = scores
        self._batches = batches
        self._nodes: list[Node] = [graph.trace.nodes[i] for i in graph.ancestors([scores])]
        self._form = batch_form(graph.trace, event) or Form(())
        self._size = len(batches.rows(event))
        self._kept: tuple[tuple[int, int], np.ndarray, torch.Tensor | None] | None = None

    def scores(self, images: np.ndarray, parameters: Mapping[int, np.ndarray], *, rescaled: bool = True) -> np.ndarray:
        """Scores with these parameters; raises `ReplayError`. Batches have the recorded size."""
        if not self._size:
            raise ReplayError("the size of the batch is not known")
        tensors = {n: torch.from_numpy(np.array(p)) for n, p in parameters.items()}
        with torch.no_grad():
            quick = self.plain_scores(images, tensors)
        if quick is not None:
            return quick.numpy()
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), self._size):
                chunk = images[start : start + self._size]
                missing = self._size - len(chunk)
                padded = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)]) if missing else chunk
                batch = self._batches.arrange(padded, self._form, rescaled=rescaled)
                if batch is None:
                    raise ReplayError("the program's preparation of the images is not known")
                made = Replay(self._trace, {self._event: batch}, tensors).run(self._nodes).values[self._scores]
                parts.append(made.detach().reshape(self._size, -1).numpy()[: len(chunk)])
        return np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)

    def plain_scores(self, images: np.ndarray, parameters: Mapping[int, torch.Tensor]) -> torch.Tensor | None:
        """The practical's own architecture, on many images at once; None where it is another or the weights don't fit.

        The scores (N, classes) keep their graph where gradients are on.
        """
        plain = self._plain
        if plain is None:
            return None
        tensors = [parameters[n] for n in plain.parameters if n in parameters]
        kernels = [t for t in tensors if t.ndim == 4]
        matrices = [t for t in tensors if t.ndim == 2]
        biases = [t for t in tensors if t.ndim == 1]
        batch = self._arranged(images)
        convolution = plain.convolution
        if len(kernels) != 1 or len(matrices) != 1 or len(biases) != 2 or batch is None or convolution is None:
            return None
        # `x @ W` keeps the matrix as (features, classes), `nn.Linear` as (classes, features).
        matrix = matrices[0] if matrices[0].shape[1] == plain.dense_in else matrices[0].t()
        parts = []
        for chunk in batch.split(CHUNK):
            z = F.conv2d(chunk, kernels[0], biases[0], convolution.stride, convolution.padding, convolution.dilation)
            parts.append(F.linear(z.relu().flatten(1), matrix, biases[1]))
        return torch.cat(parts)

    def _arranged(self, images: np.ndarray) -> torch.Tensor | None:
        """`images` as this program feeds them; the latest ones are kept, since every test pass asks for the same."""
        key = (images.ctypes.data, len(images))
        if self._kept is None or self._kept[0] != key:
            batch = self._batches.arrange(images, Form((len(images), 1, 28, 28), self._form.dtype))
            self._kept = (key, images, batch)
        return self._kept[2]

    def judge(self, images: np.ndarray, labels: np.ndarray, parameters: Mapping[int, np.ndarray]) -> Judged:
        """Predicted classes and cross entropies of `images`; non-finite scores count as wrong."""
        scores = self.scores(images, parameters)
        finite = np.isfinite(scores).all(axis=1)
        predicted = scores.argmax(axis=1)
        losses = F.cross_entropy(torch.from_numpy(scores), torch.from_numpy(labels), reduction="none").numpy()
        return Judged(predicted, losses, (predicted == labels) & finite)


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% Wilson interval of a share. https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval"""
    if not total:
        return (0.0, 1.0)
    share = right / total
    centre = share + z * z / (2 * total)
    margin = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return ((centre - margin) / scale, (centre + margin) / scale)
