"""Which parameters belong to which model, and whether they have moved since the last look."""

from __future__ import annotations

import torch

from .registry import Parameters

# A model whose first layer is no parameter that a tap sees: `unfold` and a product.
UNFOLDED = -2
CLOSE_LOOKS, LOOK_EVERY = 100, 16


class Models:
    """The leaf tensors that each model's layers used; `small` is the current model's cheapest one to look at."""

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._known: set[int] = set()
        self._value: torch.Tensor | None = None
        self._preferred: set[tuple[int, int]] = set()
        self.used: dict[int, dict[int, torch.Tensor]] = {}
        self._kept: dict[int, tuple[list[torch.Tensor], list[int]]] = {}
        # Of the current model: its tensors, and their versions at the last look.
        self.tensors: list[torch.Tensor] = []
        self.versions: list[int] = []
        # Whether there was a gradient before the last update that was looked at closely.
        self.had_gradient = False
        self.current = -1
        self.small: torch.Tensor | None = None

    def switch(self, weight: torch.Tensor | None) -> int:
        """Makes the model whose first layer has `weight` the current one, and returns its number."""
        model = UNFOLDED if weight is None else self._parameters.number(weight)
        if model != self.current:
            self._kept[self.current] = self.tensors, self.versions
            self.tensors, self.versions = self._kept.get(model, ([], []))
            self.current = model
            self._choose_small()
        return model

    def use(self, *tensors: torch.Tensor) -> None:
        """Counts leaf tensors as parameters of the current model."""
        used = self.used.setdefault(self.current, {})
        for tensor in tensors:
            if id(tensor) in self._known or not (tensor.is_leaf and tensor.requires_grad):
                continue
            number = self._parameters.number(tensor)
            if number >= 0:
                self._known.add(id(tensor))
                used[number] = tensor
                self.tensors.append(tensor)
                self.versions.append(tensor._version)
                self._choose_small()

    def _choose_small(self) -> None:
        used = self.used.get(self.current)
        self.small = min(used.values(), key=torch.Tensor.numel) if used else None

    def of_current(self) -> dict[int, torch.Tensor]:
        return self.used.get(self.current, {})

    def moved(self) -> bool:
        """Whether a parameter's version has changed since the last call."""
        seen, self.versions = self.versions, [tensor._version for tensor in self.tensors]
        return seen != self.versions

    def remember(self) -> None:
        """Keeps the small parameter's value: `p.data -= ...` changes it without a new version."""
        self._value = None if self.small is None else self.small.detach().clone()

    def differs(self) -> bool:
        """Whether the small parameter has another value than the one that was kept."""
        if self.small is None or self._value is None or self._value.shape != self.small.shape:
            return False
        return not torch.equal(self.small.detach(), self._value)

    def without_gradient(self) -> bool:
        """Whether the small parameter got no gradient; then another one that did takes its place."""
        if self.small is None or self.small.grad is not None:
            return False
        reached = [tensor for tensor in self.of_current().values() if tensor.grad is not None]
        if reached:
            self.small = min(reached, key=torch.Tensor.numel)
        return not reached

    def prefer(self, optimizer: torch.optim.Optimizer, number: int) -> None:
        """Looks at a parameter that the optimizer holds, where it holds any of this model's."""
        if (self.current, number) in self._preferred or self.small is None:
            return
        self._preferred.add((self.current, number))
        held = {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}
        ours = [tensor for tensor in self.of_current().values() if id(tensor) in held]
        if ours and id(self.small) not in held:
            self.small = min(ours, key=torch.Tensor.numel)

    def stale(self) -> bool:
        """Whether the small parameter has a gradient other than zero."""
        gradient = None if self.small is None else self.small.grad
        return gradient is not None and bool(gradient.any())

    def ready(self, step: int) -> bool:
        """The same for an update: looked at closely at the first ones and now and then, since it hardly varies."""
        if step < CLOSE_LOOKS or step % LOOK_EVERY == 0:
            self.had_gradient = self.stale()
            return self.had_gradient
        return self.had_gradient and self.small is not None and self.small.grad is not None
