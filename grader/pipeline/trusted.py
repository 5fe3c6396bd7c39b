"""The trusted side's own images and torch: read once in a process, while the first student's program runs."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grader.assignment import Dataset

if TYPE_CHECKING:
    from grader.verify.run import Setting


@dataclass
class Trusted:
    """What verification needs besides the evidence; travels to another process without what was read here."""

    dataset: Dataset
    classes: int
    _found: Future[Setting] | None = field(default=None, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def start(self) -> Future[Setting]:
        """Begins to import torch and to read the images, in another thread, unless that was begun already."""
        with self._lock:
            if self._found is None:
                pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verifier")
                self._found = pool.submit(_read, self.dataset, self.classes)
                pool.shutdown(wait=False)
            return self._found

    def result(self) -> Setting:
        """The setting; waits for it."""
        return self.start().result()

    def __getstate__(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "classes": self.classes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _read(dataset: Dataset, classes: int) -> Setting:
    gc.disable()  # nothing of what is imported and read here is garbage
    try:
        return _setting(dataset, classes)
    finally:
        gc.freeze()
        gc.enable()


def _setting(dataset: Dataset, classes: int) -> Setting:
    import torch

    from grader.recorder import dynamo
    from grader.verify.rows import Images, RowIndex
    from grader.verify.run import Setting

    torch.set_num_threads(1)
    dynamo.postpone()  # verification replays updates with torch's own optimizers
    arrays = dataset.load()
    index = RowIndex(Images(arrays.train_images, arrays.train_labels, arrays.test_images, arrays.test_labels))
    index.warm()
    return Setting(index, arrays.test_images[:0], classes)
