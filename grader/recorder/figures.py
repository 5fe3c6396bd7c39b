"""The arrays that the program shows as images, whichever function of matplotlib it calls."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import journal
from .watch import Watch

MAX_IMAGES = 400
MAX_PIXELS = 200_000


class Figures:
    """Notes the data of every image (`imshow`, `matshow`) and every mesh (`pcolormesh`, seaborn's heat maps)."""

    def __init__(self, watch: Watch):
        self._watch = watch
        self._count = 0

    def install(self) -> None:
        """Waits for matplotlib: it is patched when, and only when, the student's program imports it."""
        _on_import("matplotlib.image", self._patch_images)
        _on_import("matplotlib.collections", self._patch_meshes)

    def _patch_images(self, module: Any) -> None:
        for name in ("AxesImage", "FigureImage"):
            self._patch(getattr(module, name, None), "set_data")

    def _patch_meshes(self, module: Any) -> None:
        self._patch(getattr(module, "QuadMesh", None), "set_array")

    def _patch(self, owner: Any, name: str) -> None:
        original = getattr(owner, name, None)
        if original is None:
            return

        @functools.wraps(original)
        def wrapper(artist: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(artist, values, *args, **kwargs)
            self.saw(values)
            return result

        setattr(owner, name, wrapper)

    def saw(self, values: Any) -> None:
        if self._count >= MAX_IMAGES:
            return
        try:
            array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
            if array.ndim not in (2, 3) or not 4 <= array.size <= MAX_PIXELS or array.dtype.kind not in "fiub":
                return
            array = array.astype(np.float32)
        except Exception as error:  # noqa: BLE001 - a strange picture is the student's affair
            self._watch.fault("figure", error)
            return
        self._count += 1
        event = self._watch.journal.add(journal.FIGURE, size=array.size)
        self._watch.wire.send({"kind": "figure", "event": event, "at": self._watch.places.here(2)}, {"image": array})


class _Hook(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, action: Callable[[Any], None]):
        self._name = name
        self._action = action

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            self._action(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _on_import(name: str, action: Callable[[Any], None]) -> None:
    if name in sys.modules:
        action(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Hook(name, action))
