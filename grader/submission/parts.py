"""One student's pieces of a folder or zip that holds the work of many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from grader.submission.archive import open_archive
from grader.submission.files import kind_on_disk, list_folder, read_file
from grader.submission.values import Candidate, Item

MOST_IN_A_CLASS = 200_000  # entries of a whole class's zip


@contextmanager
def parts_of(candidate: Candidate) -> Iterator[list[Item]]:
    """The candidate's own files under the names that the student gave them; readable until the context ends.

    Raises SubmissionRejected where the folder or zip cannot be read.
    """
    if kind_on_disk(candidate.location, candidate.called) == "folder":
        yield [item for given, source in candidate.parts for item in _from_folder(candidate.path, given, source)]
        return
    with open_archive(candidate.path, candidate.called, MOST_IN_A_CLASS) as items:
        yield [item for given, source in candidate.parts for item in _from_archive(items, given, source)]


def _from_folder(folder: Path, given: str, source: str) -> list[Item]:
    path = folder / source
    if given:
        return [Item(given, path.lstat().st_size, partial(read_file, path, given))]
    return list_folder(path)


def _from_archive(items: list[Item], given: str, source: str) -> list[Item]:
    if given:
        return [replace(item, name=given) for item in items if item.name == source]
    prefix = f"{source}/"
    return [replace(item, name=item.name[len(prefix) :]) for item in items if item.name.startswith(prefix)]
