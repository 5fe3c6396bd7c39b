"""Staging: a data set in the practical's own format, once per content, under the cache's `data/<sha256>/`.

Two kinds of small records make the second call quick: `meta.json` in each staged folder says what the folder holds,
and a file in `sources/` says which staged folder a source (a folder with its files' sizes and times, say) became.
Nothing is hashed again while a source looks unchanged.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment.cache import (
    READABLE_DIRECTORY,
    READABLE_FILE,
    cache_directory,
    make_directory,
    read_record,
    write_record,
)
from grader.errors import DataError

if TYPE_CHECKING:
    from grader.assignment.arrays import Splits

SCHEMA = "grader.staged/1"


@dataclass(frozen=True)
class Staged:
    """A staged data set: its hash, its numbers of images, and the sizes of its two files in bytes."""

    sha256: str
    train: int
    test: int
    train_bytes: int
    test_bytes: int

    @property
    def directory(self) -> Path:
        return data_directory() / self.sha256


def data_directory() -> Path:
    """Where staged data sets lie."""
    return cache_directory() / "data"


def recall(identity: str) -> Staged | None:
    """What the source with this identity became, or None where it was not staged yet or is gone."""
    record = read_record(_source_path(identity), SCHEMA)
    sha256 = record.get("sha256") if record else None
    return read_staged(sha256) if isinstance(sha256, str) else None


def read_staged(sha256: str) -> Staged | None:
    """The staged data set of this hash, or None where it is missing or incomplete."""
    folder = data_directory() / sha256
    record = read_record(folder / "meta.json", SCHEMA)
    if record is None or any(field.name not in record for field in fields(Staged)):
        return None
    staged = Staged(**{field.name: record[field.name] for field in fields(Staged)})
    try:
        sizes = (folder / "train.npz").stat().st_size, (folder / "test.npz").stat().st_size
    except OSError:
        return None
    return staged if sizes == (staged.train_bytes, staged.test_bytes) else None


def stage(splits: Splits, classes: int, identity: str | None) -> Staged:
    """Stages `splits` unless they are there already, and remembers that `identity` became them.

    The folder appears whole or not at all, even where several graders stage it at the same time. Its files are
    read-only and open to every user, because the sandbox reads them under another one. Raises DataError where the
    cache cannot be written.
    """
    from grader.assignment.arrays import content_hash

    sha256 = content_hash(splits)
    staged = read_staged(sha256) or _write(splits, classes, sha256)
    if identity is not None:
        write_record(_source_path(identity), SCHEMA, {"sha256": sha256, "source": identity})
    return staged


def _write(splits: Splits, classes: int, sha256: str) -> Staged:
    from grader.assignment.arrays import write_folder

    root = make_directory(data_directory())
    temporary = Path(tempfile.mkdtemp(dir=root, prefix=".staging-"))
    try:
        write_folder(splits, temporary, classes)
        staged = Staged(
            sha256=sha256,
            train=len(splits.train.labels),
            test=len(splits.test.labels),
            train_bytes=(temporary / "train.npz").stat().st_size,
            test_bytes=(temporary / "test.npz").stat().st_size,
        )
        write_record(temporary / "meta.json", SCHEMA, asdict(staged))
        for file in temporary.iterdir():
            file.chmod(READABLE_FILE)
        temporary.chmod(READABLE_DIRECTORY)
        _publish(temporary, root / sha256)
    except OSError as error:
        raise DataError(
            f"the data set cannot be staged ({error.strerror})",
            file=str(root),
            remedy="Free some space there (MNIST takes 220 MB), or set GRADE_CACHE to another folder",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return staged


def _publish(temporary: Path, target: Path) -> None:
    """Renames the finished folder to its place; a damaged one there makes way, another grader's whole one stays."""
    if target.exists() and read_staged(target.name) is None:
        shutil.rmtree(target, ignore_errors=True)
    try:
        os.rename(temporary, target)
    except OSError:
        if read_staged(target.name) is None:
            raise


def _source_path(identity: str) -> Path:
    return data_directory() / "sources" / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"
