"""What a program does thousands of times, while nothing of it is looked at closely: a row each in the journal.

Between two of torch's kernels the processor forgets the recorder's code, so that every Python function called costs
the program a microsecond or two whatever it does. Hence few functions here, and longer ones than elsewhere.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Any, NamedTuple

import torch

from . import journal
from .journal import Journal
from .kept import MARK_EVERY, KeptGraphs
from .models import Models
from .registry import Optimizers, Parameters
from .trace import Trace
from .wire import Wire

_version = attrgetter("_version")


class Familiar(NamedTuple):
    """A layer that was called before, and with which bias: whether images come in, whether class scores go out."""

    first: bool
    scores: bool
    bias: Any


class Steady:
    """The objects that matter, the counters, and what is told of usual calls."""

    def __init__(self, wire: Wire, classes: int):
        self.wire = wire
        self.classes = classes
        self.parameters = Parameters()
        self.optimizers = Optimizers(self.parameters)
        self.models = Models(self.parameters)
        self.journal = Journal(wire)
        self.graphs = KeptGraphs()
        self.faults: dict[str, int] = {}
        # While a stretch is traced.
        self.trace: Trace | None = None
        # The current model's layers as they were called before, by the identity of their weight, and the optimizer
        # whose steps are as before; none while a stretch is traced or about to be.
        self.familiar: dict[int, Familiar] = {}
        self.usual_optimizer: torch.optim.Optimizer | None = None
        self._unseen: torch.Tensor | None = None
        self._updates = 0
        self._snapshot_update = -1
        self._since_backward = 0
        # So many forward events in a row, without a backward pass, are this program's usual way to one loss.
        self._run = 1
        self._runs: Counter[int] = Counter()
        self._stepped = False
        self._steps_seen = False
        self._awaiting_update = False
        # The small parameter's version before the next update.
        self._version_before = 0

    def fault(self, name: str, error: BaseException) -> None:
        text = f"{name}: {type(error).__name__}: {error}"[:200]
        if len(self.faults) < 20 or text in self.faults:
            self.faults[text] = self.faults.get(text, 0) + 1

    # -- layers ------------------------------------------------------------------------------------------------------

    def on_usual_batch(self, images: torch.Tensor) -> bool:
        """A familiar first layer gets `images`; False where that may begin something new, and is to be looked at."""
        try:
            models, updated = self.models, not self._awaiting_update or self._stepped
            versions = list(map(_version, models.tensors))
            if not updated and (versions != models.versions or not self._steps_seen):
                return False
            grad = torch.is_grad_enabled()
            if (self._since_backward >= self._run or not grad) and self._snapshot_due:
                return False
            if self._unseen is not None:
                self._look()
            models.versions = versions
            self._stepped = False
            self._since_backward += 1
            self.journal.passed(journal.GRAD_ENABLED if grad else 0, models.current, images)
        except Exception as error:  # noqa: BLE001 - whatever it is, the student's program goes on
            self.fault("on_usual_batch", error)
        return True

    def on_scores(self, result: torch.Tensor) -> None:
        """`result` (..., classes) is what a layer gave for the latest batch."""
        try:
            scores = result.detach()
            self.journal.logits(scores if scores.ndim == 2 else scores.reshape(-1, self.classes))
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("on_scores", error)

    def _look(self) -> None:
        """Names the images of the latest forward event, once the layer has run."""
        images, self._unseen = self._unseen, None
        if images is not None:
            self.journal.images(images)

    @property
    def _resting(self) -> bool:
        """No backward pass came where this program usually has one: the parameters stand still, as in a test phase."""
        return self._since_backward >= self._run or not torch.is_grad_enabled()

    @property
    def _snapshot_due(self) -> bool:
        """Once between two updates, and more and more rarely for a program that tests after every step."""
        since = self._updates - self._snapshot_update
        return self._snapshot_update < 0 or since > self._updates // 30

    # -- backward passes ---------------------------------------------------------------------------------------------

    def has_old_gradient(self) -> bool:
        """Whether gradients of an earlier pass are still there."""
        try:
            return self.models.stale()
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("has_old_gradient", error)
            return False

    def on_backward(self, tensors: Any, stale: bool) -> None:
        """A backward pass from `tensors` is over."""
        try:
            models = self.models
            small = models.small
            missing = small is not None and small.grad is None and models.without_gradient()
            small = models.small  # another one where the first got no gradient
            self._version_before = small._version if small is not None else 0
            flags = (journal.STALE if stale else 0) | (journal.NO_GRADIENT if missing else 0)
            self._note_backward(tensors if isinstance(tensors, torch.Tensor) else tensors[0], flags)
        except Exception as error:  # noqa: BLE001 - as above
            self.fault("on_backward", error)

    def _note_backward(self, root: torch.Tensor, flags: int) -> None:
        since = self._since_backward
        self.journal.backward(flags, self.models.current, since, root)
        if not self.journal.count_of_training % MARK_EVERY:
            self.graphs.saw(root)
        self._runs[since] += 1
        if since != self._run and self._runs[since] >= self._runs[self._run]:
            self._run = since
        self._since_backward = 0
        self._awaiting_update = True
        if not self._steps_seen:
            self.models.remember()
