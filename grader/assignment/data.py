"""The data set that submissions are run on: found, or made, and staged once for all runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment.baselines import known_names
from grader.assignment.cache import cache_directory, read_record, write_record
from grader.assignment.folder import Assignment, load_module
from grader.assignment.progress import Progress
from grader.assignment.staging import Staged, read_staged, recall, stage
from grader.errors import AssignmentError, DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from grader.assignment.arrays import Splits

DIGITS = "digits.py"
DIGITS_NAME = "offline digits"
INSTALLED = "installed.json"
INSTALLED_SCHEMA = "grader.installed/1"


@dataclass(frozen=True)
class DatasetArrays:
    """Images float32 (N, 784) in [0, 1]; labels int64 (N,), the class indices."""

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """A staged data set.

    `directory` holds `train.npz` and `test.npz` in the practical's format: X float32 (N, 784) in [0, 1], Y one-hot
    float32 (N, 10). `sha256` is of the images and labels, not of the files; `train` and `test` count images.
    """

    name: str
    sha256: str
    directory: Path
    train: int
    test: int

    def load(self) -> DatasetArrays:
        """Reads the staged files; raises DataError where they are damaged."""
        from grader.assignment.npz import read_npz  # imports numpy

        arrays = []
        for name in ("train.npz", "test.npz"):
            try:
                images, labels = read_npz(self.directory / name, ("X", "Y"))
                arrays += [images, labels.argmax(axis=1)]
            except (OSError, ValueError, KeyError) as error:
                raise DataError(
                    f"the staged file is damaged: {error}",
                    file=str(self.directory / name),
                    remedy="Delete its folder; it is made again",
                ) from error
        return DatasetArrays(*arrays)


@dataclass(frozen=True)
class _Source:
    """Where a data set comes from: `identity` changes when it may have changed, `read` gives its arrays."""

    name: str
    identity: str
    read: Callable[[], Splits]


def find_dataset(data: Path | None, assignment: Assignment, quick: bool, progress: Progress) -> Dataset:
    """The data set to grade with: the folder `data`, else the one that was installed, else the offline digits.

    It is staged into the cache at the first call; later calls only look whether the source changed. `quick` takes the
    first images only, as many as the rubric says. Raises DataError where the source is missing or not valid.
    """
    source = _find_source(data, assignment)
    staged, name = _stage_source(source, assignment, progress), source.name
    if quick:
        staged, name = _stage_first(staged, assignment), f"{name}, quick"
    return _dataset(known_names(assignment).get(staged.sha256, name), staged)


def install_dataset(source: Path, assignment: Assignment, progress: Progress) -> Dataset:
    """Stages the folder `source` and makes it this user's data set from now on (`grade data --from DIR`).

    Raises DataError where the folder does not hold a valid data set.
    """
    dataset = find_dataset(source, assignment, quick=False, progress=progress)
    remember_installed(dataset)
    return dataset


def install_splits(name: str, splits: Splits, assignment: Assignment) -> Dataset:
    """Stages arrays that are at hand (a download, say) and makes them this user's data set from now on."""
    staged = stage(splits, assignment.rubric.parameters["classes"], identity=None)
    dataset = _dataset(known_names(assignment).get(staged.sha256, name), staged)
    remember_installed(dataset)
    return dataset


def remember_installed(dataset: Dataset) -> None:
    """Makes a staged data set the one that is used where none is named."""
    record = {"name": dataset.name, "sha256": dataset.sha256}
    write_record(cache_directory() / INSTALLED, INSTALLED_SCHEMA, record)


def installed_dataset() -> Dataset | None:
    """The data set that this user installed, or None; raises DataError where its staged files are gone."""
    path = cache_directory() / INSTALLED
    record = read_record(path, INSTALLED_SCHEMA)
    if record is None:
        return None
    staged = read_staged(str(record.get("sha256")))
    if staged is None:
        remedy = f'Run "grade data --from DIR" or "grade data --download" again, or delete {path}'
        raise DataError("the installed data set is gone from the cache", file=str(path), remedy=remedy)
    return _dataset(str(record.get("name")), staged)


def staged_dataset(sha256: str) -> Dataset | None:
    """The data set of this hash, where it is staged on this machine."""
    staged = read_staged(sha256)
    return None if staged is None else _dataset(sha256[:12], staged)


def receive_dataset(dataset: Dataset, files: Mapping[str, bytes], assignment: Assignment) -> None:
    """Stages the files of a data set that another machine staged; raises DataError where they are not that data."""
    import tempfile

    from grader.assignment.arrays import read_folder

    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        splits = read_folder(Path(folder), *_sizes(assignment))
        staged = stage(splits, assignment.rubric.parameters["classes"], identity=None)
    if staged.sha256 != dataset.sha256:
        raise DataError("the data set that was sent is another one", file=staged.sha256)


def _stage_source(source: _Source, assignment: Assignment, progress: Progress) -> Staged:
    identity = f"{source.identity}|{_sizes(assignment)}"
    staged = recall(identity)
    if staged is None:
        description = f"Staging the data set ({source.name})"
        progress(description, 0, 1)
        staged = stage(source.read(), assignment.rubric.parameters["classes"], identity)
        progress(description, 1, 1)
    return staged


def _stage_first(full: Staged, assignment: Assignment) -> Staged:
    """The first images of a staged data set, as many as the rubric says for quick runs."""
    parameters = assignment.rubric.parameters
    train, test = parameters["quick_train"], parameters["quick_test"]
    identity = f"first {train} {test} of {full.sha256}"
    staged = recall(identity)
    if staged is None:
        from grader.assignment.arrays import read_folder

        splits = read_folder(full.directory, *_sizes(assignment)).first(train, test)
        staged = stage(splits, parameters["classes"], identity)
    return staged


def _dataset(name: str, staged: Staged) -> Dataset:
    return Dataset(name, staged.sha256, staged.directory, staged.train, staged.test)


def _find_source(data: Path | None, assignment: Assignment) -> _Source:
    if data is not None:
        return _folder_source(data.name or str(data), data, assignment)
    installed = installed_dataset()
    if installed is not None:
        return _folder_source(installed.name, installed.directory, assignment)
    return _digits_source(assignment)


def _folder_source(name: str, folder: Path, assignment: Assignment) -> _Source:
    from_files = [f"folder {folder.resolve()}"]
    for file in ("train.npz", "test.npz"):
        try:
            status = (folder / file).stat()
        except OSError as error:
            raise DataError(
                f"the file cannot be read ({error.strerror})",
                file=str(folder / file),
                remedy="A data folder holds train.npz and test.npz, each with arrays X and Y",
            ) from error
        from_files.append(f"{status.st_size} {status.st_mtime_ns}")

    def read() -> Splits:
        from grader.assignment.arrays import read_folder

        return read_folder(folder, *_sizes(assignment))

    return _Source(name, "|".join(from_files), read)


def _digits_source(assignment: Assignment) -> _Source:
    path = assignment.directory / DIGITS
    if not path.is_file():
        raise DataError(
            "no data set is installed, and the assignment has no offline digits",
            file=str(path),
            remedy='Name a folder with --data, or run "grade data --download"',
        )
    from importlib.metadata import version

    content = hashlib.sha256(path.read_bytes()).hexdigest()
    libraries = " ".join(f"{name} {version(name)}" for name in ("matplotlib", "numpy"))

    def read() -> Splits:
        from grader.assignment.arrays import Splits, make_split

        module = load_module(path)
        if not hasattr(module, "make_digits"):
            raise AssignmentError("make_digits() is missing", file=str(path), remedy="Define it there")
        train_images, train_labels, test_images, test_labels = module.make_digits()
        sizes = _sizes(assignment)
        return Splits(
            train=make_split(train_images, train_labels, *sizes, file=str(path)),
            test=make_split(test_images, test_labels, *sizes, file=str(path)),
        )

    return _Source(DIGITS_NAME, f"digits {content} {libraries}", read)


def _sizes(assignment: Assignment) -> tuple[int, int]:
    """Pixels of an image, and number of classes."""
    parameters = assignment.rubric.parameters
    height, width = parameters["image"]
    return height * width, parameters["classes"]
