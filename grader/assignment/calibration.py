"""Training the reference CNN with several seeds, in processes of their own with one thread each.

Two processes at most: a calibration runs beside whatever else the teacher does. Their threads are limited because
torch with default threads in several processes on few cores runs many times slower.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from grader.assignment.data import Dataset
from grader.assignment.folder import Assignment, load_module
from grader.assignment.progress import Progress
from grader.errors import AssignmentError

MOST_PROCESSES = 2
POLL_S = 0.2

_epochs_done: SimpleQueue[int] | None = None


@dataclass(frozen=True)
class _Task:
    """One training of the reference; the only thing that crosses into the process that does it."""

    model_path: Path
    dataset: Dataset
    settings: Mapping[str, Any]
    seed: int


def train_seeds(
    assignment: Assignment, dataset: Dataset, runs: int, progress: Progress
) -> list[list[dict[str, float]]]:
    """Trains with seeds 0 to `runs` - 1; returns each run's epochs as dicts of losses and accuracies.

    Raises AssignmentError where the reference model cannot be trained.
    """
    settings = {name: assignment.rubric.parameters[name] for name in ("epochs", "batch_size", "learning_rate")}
    description = f"Training the reference on {dataset.name}, {runs} seeds"
    total = runs * settings["epochs"]
    context = multiprocessing.get_context("spawn")
    queue: SimpleQueue[int] = context.SimpleQueue()
    progress(description, 0, total)
    with ProcessPoolExecutor(
        max_workers=min(MOST_PROCESSES, runs, os.cpu_count() or 1),
        mp_context=context,
        initializer=_start_worker,
        initargs=(queue,),
    ) as pool:
        futures = [pool.submit(_train, _Task(assignment.model_path, dataset, settings, seed)) for seed in range(runs)]
        pending, done = set(futures), 0
        while pending:
            pending = wait(pending, timeout=POLL_S).not_done
            while not queue.empty():
                done += queue.get()
                progress(description, done, total)
        try:
            return [future.result() for future in futures]
        except AssignmentError:
            raise
        except Exception as error:
            raise AssignmentError(
                f"the reference model cannot be trained ({type(error).__name__}: {error})",
                file=str(assignment.model_path),
                remedy="Mend it there",
            ) from error


def _start_worker(queue: SimpleQueue[int]) -> None:
    global _epochs_done
    _epochs_done = queue
    import torch

    torch.set_num_threads(1)


def _train(task: _Task) -> list[dict[str, float]]:
    import torch

    arrays = task.dataset.load()
    _, history = load_module(task.model_path).train_reference(
        torch.from_numpy(arrays.train_images),
        torch.from_numpy(arrays.train_labels),
        torch.from_numpy(arrays.test_images),
        torch.from_numpy(arrays.test_labels),
        seed=task.seed,
        on_epoch=_report_epoch,
        **task.settings,
    )
    return [{name: float(value) for name, value in epoch.items()} for epoch in history]


def _report_epoch(*_: Any) -> None:
    if _epochs_done is not None:
        _epochs_done.put(1)
