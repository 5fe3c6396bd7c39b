"""Does without shared memory where the sandbox gives none: loaders load in the program's own process.

A `DataLoader` with workers passes its batches through /dev/shm. Where that is closed it gives the same batches without
workers, in the same order and with the same use of torch's random numbers. What else needs shared memory fails there,
which is no mistake of the program's: such an error is told apart.
The names are torch's own, in torch/utils/data/dataloader.py of torch 2.6 to 2.13; where another torch has others,
nothing is changed, and a loader with workers fails as everything else does.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from torch.utils.data import dataloader

FOLDER = "/dev/shm"
_CLOSED = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.EROFS)
_NAMES = ("_SingleProcessDataLoaderIter", "_DatasetKind")


def is_closed() -> bool:
    """Whether this process can make nothing in shared memory, found by making a file without a name there."""
    try:
        os.close(os.open(FOLDER, os.O_TMPFILE | os.O_RDWR, 0o600))
    except OSError as error:
        return error.errno in _CLOSED
    return False


def spare_workers() -> None:
    """Makes every `DataLoader`, whatever its options, load in the process that iterates over it."""
    if not all(hasattr(dataloader, name) for name in _NAMES):
        return
    original = dataloader.DataLoader._get_iterator

    class Alone(dataloader._SingleProcessDataLoaderIter):
        def _reset(self, loader: Any, first_iter: bool = False) -> None:
            # A loader with persistent workers has one iterator for all its epochs: the data set begins again.
            super()._reset(loader, first_iter)
            self._dataset_fetcher = dataloader._DatasetKind.create_fetcher(
                self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last
            )

    def _get_iterator(self: Any) -> Any:
        return Alone(_WithoutWorkers(self)) if self.num_workers > 0 else original(self)

    dataloader.DataLoader._get_iterator = _get_iterator  # type: ignore[method-assign]


class _WithoutWorkers:
    """A loader as its iterator sees it, but for the options of workers."""

    num_workers = 0
    timeout = 0

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def is_wanted(error: BaseException) -> bool:
    """Whether `error`, or one that it followed from, was raised for want of shared memory, where that is closed."""
    return any(_asks(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        yield following
        seen.add(id(following))
        following = following.__cause__ or following.__context__


def _asks(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _CLOSED and (FOLDER in str(error) or _raised_in(error).startswith("multiprocessing."))
    return isinstance(error, RuntimeError) and "shared memory" in str(error)  # torch's own


def _raised_in(error: BaseException) -> str:
    """The module of the innermost Python frame."""
    found, traceback = "", error.__traceback__
    while isinstance(traceback, TracebackType):
        found = str(traceback.tb_frame.f_globals.get("__name__", ""))
        traceback = traceback.tb_next
    return found
