"""Decides which of a submission's files are staged: pure rules on names, before anything is read.

In this order: a single top-level folder around everything is stripped; names that some file system
or reader takes for one are rejected; compiled code, start-up files, the student's own data and
modules that would shadow others are left out; two providers of one module are rejected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from grader.errors import SubmissionRejected
from grader.submission.names import (
    DATA_FOLDER,
    HELPER_MODULE,
    STARTUP_FILES,
    folded,
    importable_stem,
    is_compiled,
    is_entry_module,
    is_notebook,
    is_taken_module,
    listed,
    shown,
)
from grader.submission.values import Item


@dataclass(frozen=True)
class Selection:
    """The files to stage, among them the entry, and what was left out."""

    items: tuple[Item, ...]
    notes: tuple[str, ...]
    shadowed: tuple[str, ...]


def select(items: list[Item]) -> Selection:
    """Apply the rules of this module to everything that a folder or archive holds.

    Raises:
        SubmissionRejected: names that collide, or a module that two files provide.
    """
    items = _without_wrapper(items)
    _refuse_collisions(items)
    notes: list[str] = []
    shadowing = _shadowing(items)
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[_group(item.name, shadowing)].append(item)
    for group, explanation in _LEFT_OUT.items():
        if names := [item.name for item in groups[group]]:
            notes.append(f"{explanation}: {listed(names)}")
    _refuse_ambiguous_modules(groups["staged"])
    shadowed = sorted(item.name for group in ("data", "helper", "shadowing") for item in groups[group])
    return Selection(tuple(groups["staged"]), tuple(notes), tuple(shadowed))


_LEFT_OUT = {
    "compiled": "compiled Python code was left out, the sources are used",
    "startup": "files that start-up or test tools would load by themselves were left out",
    "data": "the submission's own data folder was not used, the assignment's data set is staged in its place",
    "helper": "the submission's own helper functions were not used, the assignment's are staged in their place",
    "shadowing": "files that would take the place of an installed or standard module were left out",
}


def _group(name: str, shadowing: frozenset[str]) -> str:
    top = name.split("/", 1)[0]
    if top == DATA_FOLDER:
        return "data"
    if is_compiled(name):
        return "compiled"
    if PurePosixPath(name).name in STARTUP_FILES:
        return "startup"
    if top in shadowing:
        return "helper" if top.split(".", 1)[0] == HELPER_MODULE else "shadowing"
    return "staged"


def _without_wrapper(items: list[Item]) -> list[Item]:
    while len({item.name.partition("/")[0] for item in items}) == 1 and all("/" in item.name for item in items):
        items = [replace(item, name=item.name.partition("/")[2]) for item in items]
    return items


def _refuse_collisions(items: list[Item]) -> None:
    """Reject two names that are one where case or Unicode composition is ignored, and a file that is a folder too."""
    names: dict[str, str] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for item in items:
        parts = item.name.split("/")
        paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        for path in paths:
            other = names.setdefault(folded(path), path)
            if other != path:
                raise _collision(path, other)
        if item.name in files:
            raise _collision(item.name, item.name)
        files.add(item.name)
        folders.update(paths[:-1])
    for name in sorted(files & folders):
        raise _collision(name, f"{name}/")


def _collision(name: str, other: str) -> SubmissionRejected:
    return SubmissionRejected(
        f"there is also '{shown(other)}', and some systems take the two for one",
        file=shown(name),
        remedy="Rename or remove one of them",
    )


def _providers(items: list[Item], folder: str) -> dict[str, set[str]]:
    """For each module that can be imported from `folder` ("" or "a/b/"): the files and packages that provide it.

    A folder counts only with an `__init__`, for without one it never takes precedence.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if not item.name.startswith(folder) or is_compiled(item.name):
            continue
        rest = item.name[len(folder) :].split("/")
        stem = importable_stem(rest[-1])
        if len(rest) == 1 and stem:
            found[stem].add(rest[0])
        elif len(rest) == 2 and stem == "__init__":
            found[rest[0]].add(rest[0])
    return found


def _shadowing(items: list[Item]) -> frozenset[str]:
    """The top-level files and packages that an import would find before the module that is meant.

    Not among them is the only file that can be run, for it is staged under a name that shadows nothing.
    """
    taken = {name for stem, names in _providers(items, "").items() if is_taken_module(stem) for name in names}
    runnable = [item.name for item in items if is_notebook(item.name) or is_entry_module(item.name)]
    top = [name for name in runnable if "/" not in name]
    return frozenset(taken.difference(top) if len(top) == 1 else taken)


def _refuse_ambiguous_modules(items: list[Item]) -> None:
    """Python would take a package or a compiled module before a source of the same name, whatever that says."""
    parents = {str(parent) for item in items for parent in PurePosixPath(item.name).parents}
    for folder in sorted("" if parent == "." else f"{parent}/" for parent in parents):
        for stem, names in sorted(_providers(items, folder).items()):
            if len(names) > 1:
                raise SubmissionRejected(
                    f"'import {shown(stem)}' could mean any of: {listed(sorted(names))}",
                    file=shown(folder + stem),
                    remedy="Keep one of them and remove or rename the others",
                )
