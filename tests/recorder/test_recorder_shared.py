"""Without shared memory a DataLoader gives what its workers would have given, and is otherwise as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recorder.runs import Run

SETUP = """\
import inspect, multiprocessing, torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from grader.recorder import shared

multiprocessing.set_start_method("fork", force=True)  # the tests' own processes are made by a server
data = TensorDataset(torch.arange(50.0).reshape(25, 2), torch.arange(25))
before = inspect.signature(DataLoader), DataLoader.__init__, type(DataLoader)

def epochs(**options):
    \"\"\"Three epochs' batches, and the random number that follows.\"\"\"
    torch.manual_seed(3)
    loader = DataLoader(data, batch_size=4, shuffle=True, **options)
    batches = [[(x.tolist(), y.tolist()) for x, y in loader] for _ in range(3)]
    return batches, torch.rand(1).item()
"""
OPTIONS = {
    "workers": "num_workers=2",
    "persistent": "num_workers=2, persistent_workers=True, prefetch_factor=3",
    "timeout": "num_workers=1, timeout=30, multiprocessing_context='fork', drop_last=True",
    "generator": "num_workers=3, generator=torch.Generator().manual_seed(5)",
}
SAME = """\
with_workers = epochs({options})
shared.spare_workers()
alone = epochs({options})
assert alone == with_workers, (alone, with_workers)
assert alone[0][0] != alone[0][1], "each epoch has an order of its own"
"""
CLASS = """\
shared.spare_workers()
assert (inspect.signature(DataLoader), DataLoader.__init__, type(DataLoader)) == before

class Own(DataLoader):
    def __iter__(self):
        for batch in super().__iter__():
            yield [part * 2 for part in batch]

own = Own(data, 4, False, None, None, 2)
assert isinstance(own, DataLoader) and own.num_workers == 2 and len(own) == 7
assert next(iter(own))[1].tolist() == [0, 2, 4, 6]
plain = DataLoader(data)
plain.num_workers = 1
assert len(list(plain)) == 25
for options in ({"num_workers": -1}, {"prefetch_factor": 2}, {"persistent_workers": True},
                {"num_workers": 1, "multiprocessing_context": "none"}):
    try:
        DataLoader(data, **options)
    except ValueError:
        continue
    raise AssertionError(f"{options} are refused by torch")
"""
ITERABLE = """\
shared.spare_workers()

class Numbers(IterableDataset):
    def __iter__(self):
        return iter(range(7))

loader = DataLoader(Numbers(), batch_size=3, num_workers=1, persistent_workers=True)
assert [[batch.tolist() for batch in loader] for _ in range(2)] == [[[0, 1, 2], [3, 4, 5], [6]]] * 2
"""
PROCESSES = """\
import os

class Where(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return os.getpid()

assert os.getpid() not in next(iter(DataLoader(Where(), num_workers=1))).tolist()
shared.spare_workers()
assert set(torch.cat(list(DataLoader(Where(), num_workers=1))).tolist()) == {os.getpid()}
"""


def succeeds(run: Callable[..., Run], *cells: str) -> None:
    """Runs the cells, which raise where what they assert does not hold."""
    assert run(SETUP, *cells).evidence.errors == ()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
def test_the_batches_are_those_of_workers(run: Callable[..., Run], options: str) -> None:
    """In each epoch the same images come in the same order, and as many random numbers are drawn."""
    succeeds(run, SAME.format(options=options))


@pytest.mark.parametrize("cell", [CLASS, ITERABLE, PROCESSES], ids=["class", "iterable", "processes"])
def test_a_loader_stays_what_it_is(run: Callable[..., Run], cell: str) -> None:
    """Class, signature, subclasses, attributes and refusals are torch's; no data set is read elsewhere or once only."""
    succeeds(run, cell)


def test_where_there_is_shared_memory_nothing_changes(run: Callable[..., Run]) -> None:
    """The recorder leaves loaders alone where workers can work: these tests' own processes have shared memory."""
    succeeds(run, "assert not shared.is_closed()", PROCESSES.partition("shared.spare")[0])
