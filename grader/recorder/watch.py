"""What the taps report to: turns calls into events, and decides which stretches are traced in full."""

from __future__ import annotations

from typing import Any

import torch

from . import fingerprint, journal
from .callables import Candidate
from .guard import guarded
from .place import Places
from .registry import array, describe_layer, whole
from .session import Session
from .steady import Familiar, Steady
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
# These change no gradient in their step, and take one step a call.
PLAIN_OPTIMIZERS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad)
MAX_CANDIDATES = 64
MAX_LAYERS = 24


class Watch(Steady):
    """The state of the recording, and the trace under way, if any."""

    def __init__(self, wire: Wire, places: Places, classes: int):
        super().__init__(wire, classes)
        self.places = places
        self.candidates: list[Candidate] = []
        self.layers: list[dict[str, Any]] = []
        self._layers_of: dict[int, dict[int, Familiar]] = {}
        self._optimizer_of: dict[int, torch.optim.Optimizer] = {}
        self._session: Session | None = None
        self._sessions = 0
        self._tests = 0
        self._snapshots = 0
        self._due = True
        self._wait = WAIT_TRAINING
        # What is known of the step under way before it; None where that is looked at when it is done.
        self._step_flags: int | None = 0

    # -- layers ------------------------------------------------------------------------------------------------------

    @guarded
    def on_layer(self, input: torch.Tensor, weight: torch.Tensor, *rest: Any, **options: Any) -> None:
        input, weight = whole(input), whole(weight)
        if len(self.layers) < MAX_LAYERS:
            self.layers.append({**describe_layer(input, weight, rest, options), "at": self.places.here(2)})
        if weight.ndim == 4:
            first = weight.shape[1] == 1 and input.ndim in (3, 4)
        else:
            first = input.shape[-1] == fingerprint.PIXELS
        if first:
            self._forward(input, weight)
        self.models.use(weight, *(t for t in (*rest, *options.values()) if isinstance(t, torch.Tensor)))
        if self.parameters.known(weight) is not None:
            scores = weight.ndim == 2 and weight.shape[0] == self.classes
            known = self._layers_of.setdefault(self.models.current, {})
            known[id(weight)] = Familiar(first, scores, rest[0] if rest else options.get("bias"))

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
            self.on_scores(whole(result))

    # -- forward -----------------------------------------------------------------------------------------------------

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
        resting = self._resting and self._snapshot_due
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
        elif model != before:
            self._settle()

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
        self.journal.loss(self.models.current, input.shape[0] if input.ndim > 1 else 1, result)

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
        self.on_backward(root, bool(stale))
        self._end_of_backward()

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
        self._end_of_backward()

    def _end_of_backward(self) -> None:
        if self._session is not None and self._session.backwards >= MAX_BACKWARDS:
            self._end_session("backwards")
        if self._updates == 0 and self.journal.count_of_training in TRACED_BACKWARDS:
            self._due = True
            self._settle()

    # -- updates -----------------------------------------------------------------------------------------------------

    def before_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """An optimizer is about to step."""
        # It leaves the gradients as they are, so that `after_step` sees what it had. A hook of the program's may not.
        if optimizer is self.usual_optimizer and not optimizer._optimizer_step_post_hooks:
            self._step_flags = None
            return
        try:
            self._meet(optimizer)
            small = self.models.small
            self._version_before = small._version if small is not None else 0
            self._step_flags = 0 if self.models.ready(self._updates) else journal.NO_GRADIENT
        except Exception as error:  # noqa: BLE001 - whatever it is, the student's program goes on
            self.fault("before_step", error)

    @guarded
    def _meet(self, optimizer: torch.optim.Optimizer) -> None:
        """Looks at an optimizer that is new to the current model, or whose step a session ends with."""
        number = self.optimizers.number(optimizer)
        self.models.prefer(optimizer, number)
        if self._session is not None or self.optimizers.places[number] is None:
            place = self.places.here(4)
            self.optimizers.places[number] = place
            if self._session is not None:
                self._session.before_step(optimizer, number, self.optimizers.describe(optimizer), place)
        self._optimizer_of[self.models.current] = optimizer
        self._settle()

    def after_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """An optimizer has stepped."""
        try:
            small = self.models.small
            version = small._version if small is not None else 0
            touched, self._version_before = version != self._version_before, version
            flags = self._step_flags
            if flags is None:
                flags = 0 if self.models.ready(self._updates) else journal.NO_GRADIENT
            flags |= journal.TRACED if touched else 0
            self.journal.add(journal.STEP, flags, self.optimizers.number(optimizer))
            self._stepped = self._steps_seen = True
            self._updated("step")
        except Exception as error:  # noqa: BLE001 - whatever it is, the student's program goes on
            self.fault("after_step", error)

    def _updated(self, reason: str) -> None:
        count = self._updates = self._updates + 1
        self._awaiting_update = False
        after_test = self._since_backward > 0 and self._tests < TRACED_TESTS
        self._since_backward = 0
        if self._session is not None:
            self._end_session(reason)
        due = count in TRACED_UPDATES or count % TRACE_EVERY == 0 or after_test
        if due or self._due:
            self._due = due and self._sessions < MAX_SESSIONS
            self._settle()

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
        self.trace = self._session.trace
        self._sessions += 1
        self._settle()

    def _end_session(self, reason: str) -> None:
        session, self._session, self.trace = self._session, None, None
        self._settle()
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

    def _settle(self) -> None:
        """Usual calls need no close look as long as no session is under way or due."""
        calm = self._session is None and not self._due and self._updates > 0
        model = self.models.current
        self.familiar = self._layers_of.setdefault(model, {}) if calm else {}
        optimizer = self._optimizer_of.get(model) if calm else None
        self.usual_optimizer = optimizer if type(optimizer) in PLAIN_OPTIMIZERS else None

    @guarded
    def at_cell_end(self) -> None:
        """Nothing of a cell waits for the next one: it may be the last that runs."""
        if self._session is not None:
            self._end_session("cell")
        self._look()
        self.journal.flush()
