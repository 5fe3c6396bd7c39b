"""The same work on other machines: a Dask cluster through its `concurrent.futures` executor.

A worker is used only where it is this very grader and gives the isolation that the caller has; it gets the data set
where it lacks it. Whatever a worker that dies was doing is done elsewhere.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from grader.assignment import Assignment, Dataset, cache_directory, receive_dataset, staged_dataset
from grader.errors import GraderError, IsolationError, UsageError
from grader.pipeline.cores import take_core
from grader.pipeline.grader import Grader
from grader.pipeline.trusted import Trusted
from grader.pipeline.versions import grader_version
from grader.pipeline.work import Done, Job, perform
from grader.sandbox import Level, available_isolation, keep_zygote
from grader.store import EvidenceStore

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 15
LOOK_S = 2.0  # between looks at who is there
NOBODY_S = 120.0  # without any worker that may be used
RETRIES = 2
FILES = ("train.npz", "test.npz")


@dataclass(frozen=True)
class _About:
    """What a worker says of itself; `problem` is why it cannot be used, for whatever reason it knows."""

    version: str
    has_data: bool
    problem: str = ""


class Cluster:
    """The workers of a scheduler; `tell` is given a line for each that is refused."""

    def __init__(self, grader: Grader, address: str, tell: Callable[[str], None]):
        self._grader = grader
        self._tell = tell
        self._client = _connect(address)
        self._known: dict[str, bool] = {}
        self._looked = 0.0
        self._last_seen = time.monotonic()
        self._data: dict[str, bytes] | None = None
        self._threads: Mapping[str, int] = {}
        self._begun: dict[Future[Done], frozenset[str]] = {}
        self._look()
        if not self._usable():
            self._client.close()
            raise IsolationError(
                "no worker of the cluster can be used", remedy="Start one as the README says; the lines above say why"
            )

    @property
    def slots(self) -> int:
        """The threads of all workers that may be used now."""
        self.check()
        return max(1, sum(self._threads[address] for address in self._usable()))

    def submit(self, job: Job) -> Future[Done]:
        """Begins a job on any worker that may be used."""
        self.check()
        workers = self._usable()
        executor = self._client.get_executor(workers=workers, pure=False, retries=RETRIES)
        future: Future[Done] = executor.submit(_work, self._grader, job)
        self._begun[future] = frozenset(workers)
        future.add_done_callback(self._begun.pop)
        return future

    def check(self) -> None:
        """Looks who came and went; raises UsageError where the scheduler has gone, IsolationError where no worker has
        been left for long."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        if self._client.status != "running":
            raise UsageError("the scheduler has gone", remedy="Start it and call again; what was graded is kept")
        self._look()
        usable = self._usable()
        if usable:
            self._last_seen = time.monotonic()
            # Dask would keep these for ever for workers that may come back under the same address.
            for future, workers in list(self._begun.items()):
                if workers.isdisjoint(usable):
                    future.cancel()
        elif time.monotonic() - self._last_seen > NOBODY_S:
            raise IsolationError(
                "the cluster has no worker left that can be used", remedy="Start workers and call again"
            )

    def close(self) -> None:
        """Leaves the cluster; its workers end what nobody waits for."""
        self._client.close()

    def _usable(self) -> list[str]:
        return [address for address in self._threads if self._known.get(address)]

    def _look(self) -> None:
        self._looked = time.monotonic()
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        self._threads = {address: int(about["nthreads"]) for address, about in workers.items()}
        fresh = [address for address in workers if address not in self._known]
        if not fresh:
            return
        level, sha256 = self._grader.isolation.level, self._grader.dataset.sha256
        found = self._client.run(_inspect, level, sha256, workers=fresh, on_error="return")
        for address, about in found.items():
            problem = _problem(about)
            if not problem and not about.has_data:
                problem = self._send_data(address)
            self._known[address] = not problem
            if problem:
                self._tell(f"worker {address} is refused: {problem}")

    def _send_data(self, address: str) -> str:
        """Gives a worker the data set; returns why that failed."""
        if self._data is None:
            folder = self._grader.dataset.directory
            self._data = {name: zlib.compress((folder / name).read_bytes(), 1) for name in FILES}
        sent = self._client.run(
            _receive, self._grader.dataset, self._data, self._grader.assignment, workers=[address], on_error="return"
        )
        error = sent.get(address)
        return f"it could not take the data set ({error})" if isinstance(error, Exception) else ""


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs Dask", remedy="pip install 'grade-dl[dask]'") from None
    try:
        return Client(address, timeout=CONNECT_S, set_as_default=False, name="grade")
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"there is no scheduler at {address} ({error})", remedy="Start one with: dask scheduler"
        ) from None


def _problem(about: Any) -> str:
    if isinstance(about, Exception):
        return f"it cannot run this grader ({type(about).__name__}: {about})"
    if about.version != grader_version():
        return "its grader is of another version"
    return str(about.problem)


def _inspect(level: Level, sha256: str) -> _About:
    """Runs on a worker: which grader it is, whether it has the data, and whether it gives this isolation."""
    try:
        available_isolation(allow_none=level == "none", force=level)
        problem = ""
    except GraderError as error:
        problem = f"isolation {level} is required. {error}"
    return _About(grader_version(), staged_dataset(sha256) is not None, problem)


def _receive(dataset: Dataset, files: Mapping[str, bytes], assignment: Assignment) -> None:
    """Runs on a worker: stages a data set that was sent."""
    receive_dataset(dataset, {name: zlib.decompress(content) for name, content in files.items()}, assignment)


_graders: dict[str, Grader] = {}
_lock = threading.Lock()


def _work(grader: Grader, job: Job) -> Done:
    """Runs on a worker."""
    with _lock:
        own = _graders.get(grader.identity) or _graders.setdefault(grader.identity, _at_home(grader))
    with _cancelled_with_its_task() as cancelled:
        done = perform(own, job, lambda _: None, cancelled)
    stored = own.store.load(done.graded.evidence) if own.store is not None and done.graded.evidence else None
    return replace(done, stored=stored)


def _at_home(grader: Grader) -> Grader:
    """The same grader with this machine's own sandbox, data and store, whose runs are forked from here on, and stay on
    one core where this worker does one at a time."""
    from distributed import get_worker

    if get_worker().state.nthreads == 1:
        take_core()
    keep_zygote()
    dataset = staged_dataset(grader.dataset.sha256)
    if dataset is None:
        raise UsageError("the data set is not on this worker")
    dataset = replace(dataset, name=grader.dataset.name)
    level = grader.isolation.level
    return replace(
        grader,
        dataset=dataset,
        isolation=available_isolation(allow_none=level == "none", force=level),
        store=None if grader.store is None else EvidenceStore(cache_directory() / "evidence"),
        setting=Trusted(dataset, grader.setting.classes),
    )


@contextlib.contextmanager
def _cancelled_with_its_task() -> Any:
    """An event that is set when the scheduler wants this task no more, as when its client has gone."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    cancelled, over = threading.Event(), threading.Event()

    def follow() -> None:
        while not over.wait(1.0):
            task = worker.state.tasks.get(key)
            if task is None or task.state in ("cancelled", "released", "forgotten"):
                cancelled.set()
                return

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield cancelled
    finally:
        over.set()
