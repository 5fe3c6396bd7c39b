"""What the taps report to: turns calls into events, and decides which stretches are traced in full."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from . import fingerprint, journal
from .callables import Candidate
from .guard import guarded
from .journal import Journal
from .kept import KeptGraphs
from .models import Models
from .place import Places
from .registry import Optimizers, Parameters, array, describe_layer, grid_of, whole
from .session import Session
from .trace import Trace
from .wire import Wire

# Updates after which the next stretch is traced; later ones every TRACE_EVERY.
TRACED_UPDATES = frozenset({0, 1, 2, 9, 29, 99, 299, 599})
TRACE_EVERY = 2500
# Test phases of which a stretch is traced; later ones have their weights kept and their images named all the same.
TRACED_TESTS = 3
RICH_SESSIONS = 4
FINDING_SESSIONS = 6
MAX_SESSIONS = 80
MAX_SNAPSHOTS = 300
# Forward events that one trace may hold while it waits for a backward pass; fewer where it is surely a test phase.
WAIT_TRAINING, WAIT_TEST = 64, 3
# A program that never updates, or once an epoch, is not traced for ever.
MAX_BACKWARDS = 64
TRACED_BACKWARDS = frozenset({500, 2000, 5000, 10000, 15000})
MAX_CANDIDATES = 64
MAX_LAYERS = 24


class Watch:
    """The state of the recording: the journal, the objects that matter, and the trace under way, if any."""

    def __init__(self, wire: Wire, places: Places, classes: int):
        self.wire = wire
        self.places = places
        self.classes = classes
        self.parameters = Parameters()
        self.optimizers = Optimizers(self.parameters)
        self.journal = Journal(wire)
        self.graphs = KeptGraphs()
        self.candidates: list[Candidate] = []
        self.layers: list[dict[str, Any]] = []
        self.models = Models(self.parameters)
        self.faults: dict[str, int] = {}
        self._unseen: torch.Tensor | None = None
        self._session: Session | None = None
        self._sessions = 0
        self._tests = 0
        self._snapshots = 0
        self._updates = 0
        self._due = True
        self._since_backward = 0
        # So many forward events in a row, without a backward pass, are this program's usual way to one loss.
        self._run = 1
        self._runs: Counter[int] = Counter()
        self._wait = WAIT_TRAINING
        self._snapshot_update = -1
        self._stepped = False
        self._steps_seen = False
        self._awaiting_update = False

    @property
    def trace(self) -> Trace | None:
        return self._session.trace if self._session is not None else None

    def fault(self, name: str, error: BaseException) -> None:
        text = f"{name}: {type(error).__name__}: {error}"[:200]
        if len(self.faults) < 20 or text in self.faults:
            self.faults[text] = self.faults.get(text, 0) + 1

    # -- layers ------------------------------------------------------------------------------------------------------

    @guarded
    def on_layer(self, input: torch.Tensor, weight: torch.Tensor, *rest: Any, **options: Any) -> None:
        input, weight = whole(input), whole(weight)
        if len(self.layers) < MAX_LAYERS:
            self.layers.append({**describe_layer(input, weight, rest, options), "at": self.places.here(2)})
        if weight.ndim == 4:
            if weight.shape[1] == 1 and input.ndim in (3, 4):
                self._forward(input, weight)
        elif input.shape[-1] == fingerprint.PIXELS:
            self._forward(input, weight)
        self.models.use(weight, *(t for t in (*rest, *options.values()) if isinstance(t, torch.Tensor)))

    @guarded
    def on_unfold(self, input: torch.Tensor, *_: Any, **__: Any) -> None:
        input = whole(input)
        if input.shape[-1] == fingerprint.SIDE and input.numel() % fingerprint.PIXELS == 0:
            self._forward(input, None)

    @guarded
    def on_layer_done(self, *_: Any, **__: Any) -> None:
        self._look()

    @guarded
    def on_linear_done(self, _: Any, result: torch.Tensor, *__: Any, **___: Any) -> None:
        self._look()
        if result.shape[-1] == self.classes:
            scores = whole(result).detach()
            self.journal.logits(scores if scores.ndim == 2 else scores.reshape(-1, self.classes))

    # -- forward -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Names the images of the latest forward event. Once the layer has run, they are in the processor's cache."""
        images, self._unseen = self._unseen, None
        if images is not None:
            self.journal.images(grid_of(images))

    def _forward(self, images: torch.Tensor, weight: torch.Tensor | None) -> None:
        self._look()
        before = self.models.current
        model = self.models.switch(weight)
        if model != before and self._session is not None:
            self._end_session("another model")
        self._notice_update()
        grad = torch.is_grad_enabled()
        if self._session is not None and not self._session.backwards and self._session.forwards >= self._wait:
            self._end_session("forwards")
        # No backward pass came where this program usually has one: the parameters stand still, as in a test phase.
        resting = (self._since_backward >= self._run or not grad) and self._snapshot_due
        if resting:
            self._snapshot()
        flags = (journal.GRAD_ENABLED if grad else 0) | (journal.TRACED if self._session is not None else 0)
        event = self.journal.forward(flags, model)
        self._unseen = images
        self._since_backward += 1
        testing = resting and self._tests < TRACED_TESTS and self._sessions < MAX_SESSIONS
        if self._session is None and (self._due or testing):
            self._tests += testing
            self._start_session(WAIT_TEST if resting else WAIT_TRAINING)
        if self._session is not None:
            self._session.saw_forward(images, event)

    @property
    def _snapshot_due(self) -> bool:
        """Once between two updates, and more and more rarely for a program that tests after every step."""
        since = self._updates - self._snapshot_update
        return self._snapshot_update < 0 or since > self._updates // 30

    def _notice_update(self) -> None:
        """Sees parameters that changed without an optimizer of torch's: by version, by storage or by value."""
        changed = self.models.moved()
        if self._awaiting_update and not self._steps_seen and not changed:
            changed = self.models.differs()
        if changed and not self._stepped and self._awaiting_update:
            self.journal.add(journal.UPDATE, who=self.models.current)
            self._updated("update")
        self._stepped = False

    def _snapshot(self) -> None:
        used = self.models.of_current()
        if not used or self._snapshots >= MAX_SNAPSHOTS:
            return
        self._snapshots += 1
        self._snapshot_update = self._updates
        arrays = {f"parameter/{number}": array(tensor) for number, tensor in used.items()}
        self.wire.send({"kind": "snapshot", "event": self.journal.count, "model": self.models.current}, arrays)

    # -- loss and backward -------------------------------------------------------------------------------------------

    @guarded
    def on_loss(self, result: torch.Tensor, input: torch.Tensor, *_: Any, **__: Any) -> None:
        value = result.detach()
        self.journal.add(
            journal.LOSS,
            0,
            self.models.current,
            input.shape[0] if input.ndim > 1 else 1,
            value if value.numel() == 1 else value.mean(),
        )

    @guarded
    def before_backward(self, *_: Any, **__: Any) -> bool:
        if self._session is not None:
            self._session.before_backward()
        return self.models.stale()

    @guarded
    def after_backward(self, stale: Any, _: Any, tensors: Any, *__: Any, **___: Any) -> None:
        root = tensors if isinstance(tensors, torch.Tensor) else tensors[0]
        if self._session is not None:
            self._session.after_backward(root, bool(stale), self.places.here(3))
            self.models.use(*self._session.trace.used.values())
        missing = self.models.without_gradient()
        self._note_backward(root, (journal.STALE if stale else 0) | (journal.NO_GRADIENT if missing else 0))

    @guarded
    def before_grad(self, *_: Any, **__: Any) -> None:
        if self._session is not None:
            self._session.leave()

    @guarded
    def after_grad(self, _: Any, result: Any, outputs: Any, inputs: Any, *__: Any, **___: Any) -> None:
        root = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
        listed = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        if not any(self.parameters.known(tensor) is not None for tensor in listed):
            return
        if self._session is not None:
            self._session.after_grad(root, listed, result, self.places.here(3))
        self._note_backward(root, 0)

    def _note_backward(self, root: torch.Tensor, flags: int) -> None:
        self.graphs.saw(root)
        value = root.detach()
        self.journal.add(
            journal.BACKWARD,
            flags,
            self.models.current,
            self._since_backward,
            value if value.numel() == 1 else value.mean(),
        )
        self._runs[self._since_backward] += 1
        if self._runs[self._since_backward] >= self._runs[self._run]:
            self._run = self._since_backward
        self._since_backward = 0
        if self._session is not None and self._session.backwards >= MAX_BACKWARDS:
            self._end_session("backwards")
        self._due = self._due or (self._updates == 0 and self.journal.count_of_training in TRACED_BACKWARDS)
        self._awaiting_update = True
        if not self._steps_seen:
            self.models.remember()

    # -- updates -----------------------------------------------------------------------------------------------------

    @guarded
    def before_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        number = self.optimizers.number(optimizer)
        self.models.prefer(optimizer, number)
        small = self.models.small
        self._version_before = small._version if small is not None else 0
        self._step_flags = 0 if self.models.ready(self._updates) else journal.NO_GRADIENT
        if self._session is not None or self.optimizers.places[number] is None:
            place = self.places.here(3)
            self.optimizers.places[number] = place
            if self._session is not None:
                self._session.before_step(optimizer, number, self.optimizers.describe(optimizer), place)

    @guarded
    def after_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        small = self.models.small
        touched = small is not None and small._version != self._version_before
        self.journal.add(
            journal.STEP, self._step_flags | (journal.TRACED if touched else 0), self.optimizers.number(optimizer)
        )
        self._stepped = self._steps_seen = True
        self._updated("step")

    def _updated(self, reason: str) -> None:
        self._updates += 1
        self._awaiting_update = False
        after_test = self._since_backward > 0 and self._tests < TRACED_TESTS
        self._since_backward = 0
        if self._session is not None:
            self._end_session(reason)
        count = self._updates
        self._due = self._sessions < MAX_SESSIONS and (
            count in TRACED_UPDATES or count % TRACE_EVERY == 0 or after_test
        )

    # -- sessions ----------------------------------------------------------------------------------------------------

    def _start_session(self, wait: int) -> None:
        self._due = False
        self._wait = wait
        self._session = Session(
            self._sessions,
            self.parameters,
            self.places,
            self.classes,
            rich=self._sessions < RICH_SESSIONS,
            find=self._sessions < FINDING_SESSIONS,
        )
        self._sessions += 1

    def _end_session(self, reason: str) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        session.end(self.wire, reason)
        if session.trace.broken:
            self.fault("trace", RuntimeError(session.trace.broken))
        self.models.use(*session.trace.used.values())
        if session.finder and len(self.candidates) < MAX_CANDIDATES:
            for candidate in session.finder.found:
                candidate.model = self.models.current
            self.candidates.extend(session.finder.found)

    @guarded
    def at_cell_end(self) -> None:
        """Nothing of a cell waits for the next one: it may be the last that runs."""
        if self._session is not None:
            self._end_session("cell")
        self._look()
        self.journal.flush()
