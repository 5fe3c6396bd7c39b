"""What learning platforms name the files of a class's download, and which files are one student's one attempt.

| platform | name in the download |
|---|---|
| Canvas | `doejane_LATE_4711_90210_cnn-2.ipynb`: name, late mark, user, file, own name with `-2` when resubmitted |
| Moodle | `Jane Doe_1234567_assignsubmission_file_/` or `Jane Doe_1234567_assignsubmission_file_cnn.ipynb` |
| Gradescope | `submission_98765/`, and who that is in `submission_metadata.yml` |
| Blackboard | `Practical 5_jdoe_attempt_2026-03-01-23-59-00_cnn.ipynb` |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

METADATA = "submission_metadata.yml"
RULES = ("last", "first", "on-time", "all")
"""Which of a student's attempts counts; `on-time` is the last that is not marked late, or the last."""

_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<file>\d+)_(?P<given>.+)", re.DOTALL)
_RESUBMITTED = re.compile(r"(?P<stem>.+)-(?P<number>\d{1,3})(?P<suffix>\.\w+)")
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<user>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<given>.*)", re.DOTALL)
_BLACKBOARD = re.compile(r".+_(?P<user>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<given>.+)|\.txt)", re.DOTALL)
_GRADESCOPE = re.compile(r"submission_(?P<number>\d+)")


@dataclass(frozen=True)
class Upload:
    """A file or folder of a download. `student` is who it is from, as the platform tells them apart, `identifiers` and
    `name` what else is known; `order` sorts attempts; `given` is the name that the student gave, empty for a folder."""

    student: str
    identifiers: tuple[str, ...]
    name: str
    order: str
    late: bool
    given: str
    source: str


@dataclass(frozen=True)
class Attempt:
    """What one student handed in at one time; `number` counts from 1 among the attempts that are there."""

    student: str
    identifiers: tuple[str, ...]
    name: str
    number: int
    of: int
    late: bool
    parts: tuple[tuple[str, str], ...]


def read_download(names: Iterable[str], metadata: bytes | None) -> dict[str, Upload | None] | None:
    """What each top-level name of a download is: an upload, or None for what is no student's work (a receipt, a text
    typed online). Names that follow no platform's pattern are left out; None where most do not.

    `metadata` is the content of Gradescope's `submission_metadata.yml`, where there is one.
    """
    every = list(names)
    people = _people(metadata)
    for read in (_moodle, _blackboard, lambda name: _gradescope(name, people), _canvas):
        found: dict[str, Upload | None] = {}
        for name in every:
            upload = read(name)
            if upload is not _STRANGE:
                found[name] = upload
        found = _with_resubmissions(found) if read is _canvas else found
        if found and 2 * len(found) >= len([name for name in every if name != METADATA]):
            return found
    return None


def attempts_of(uploads: Iterable[Upload], rule: str) -> list[Attempt]:
    """The attempts that count, by student, in the order of the students' first uploads."""
    students: dict[str, dict[str, list[Upload]]] = {}
    for upload in uploads:
        students.setdefault(upload.student, {}).setdefault(upload.order, []).append(upload)
    chosen: list[Attempt] = []
    for tries in students.values():
        ordered = [tries[order] for order in sorted(tries)]
        every = [_attempt(files, number, len(ordered)) for number, files in enumerate(ordered, 1)]
        chosen += _counting(every, rule)
    return chosen


def _counting(attempts: list[Attempt], rule: str) -> list[Attempt]:
    if rule == "all":
        return attempts
    if rule == "first":
        return attempts[:1]
    on_time = [attempt for attempt in attempts if not attempt.late]
    return (on_time if rule == "on-time" and on_time else attempts)[-1:]


def _attempt(files: list[Upload], number: int, of: int) -> Attempt:
    first = files[0]
    late = any(file.late for file in files)
    parts = tuple((file.given, file.source) for file in files)
    return Attempt(first.student, first.identifiers, first.name, number, of, late, parts)


class _Strange:
    """A name that is not the platform's."""


_STRANGE: Any = _Strange()


def _canvas(name: str) -> Upload | None:
    found = _CANVAS.fullmatch(name)
    if found is None:
        return _strange()
    student = f"{found['name']}_{found['user']}"
    return Upload(student, (found["user"],), found["name"], "", found["late"] is not None, found["given"], name)


def _with_resubmissions(found: dict[str, Upload | None]) -> dict[str, Upload | None]:
    """The uploads under the names before Canvas numbered them.

    It hands out one attempt as a rule; where a student has several files of one name, their numbers tell the attempts,
    and what there is only once goes with the last."""
    uploads = [upload for upload in found.values() if upload is not None]
    files: dict[tuple[str, str], list[int]] = {}
    for upload in uploads:
        number, given = _numbered(upload.given)
        files.setdefault((upload.student, given), []).append(number)
    last = {student: max(numbers) for (student, _), numbers in files.items() if len(numbers) > 1}
    settled: dict[str, Upload | None] = {}
    for upload in uploads:
        number, given = _numbered(upload.given)
        alone = len(files[upload.student, given]) == 1
        order = last.get(upload.student, 0) if alone else number
        settled[upload.source] = replace(upload, given=given, order=f"{order:04}")
    return settled


def _numbered(given: str) -> tuple[int, str]:
    again = _RESUBMITTED.fullmatch(given)
    return (int(again["number"]), again["stem"] + again["suffix"]) if again else (0, given)


def _moodle(name: str) -> Upload | None:
    found = _MOODLE.fullmatch(name)
    if found is None:
        return _strange()
    if found["kind"] != "file":
        return None
    return Upload(f"{found['name']}_{found['user']}", (found["user"],), found["name"], "", False, found["given"], name)


def _blackboard(name: str) -> Upload | None:
    found = _BLACKBOARD.fullmatch(name)
    if found is None:
        return _strange()
    if found["given"] is None:  # the receipt
        return None
    return Upload(found["user"], (found["user"],), "", found["when"], False, found["given"], name)


def _gradescope(name: str, people: Mapping[str, Any]) -> Upload | None:
    found = _GRADESCOPE.fullmatch(name)
    if found is None:
        return _strange()
    about = people.get(name)
    about = about if isinstance(about, dict) else {}
    submitters = [each for each in about.get(":submitters") or [] if isinstance(each, dict)]
    identifiers = tuple(
        str(each[key]) for each in submitters for key in (":sid", ":email") if each.get(key) not in (None, "")
    )
    names = " and ".join(str(each[":name"]) for each in submitters if each.get(":name"))
    student = identifiers[0] if identifiers else names or name
    return Upload(student, identifiers, names, str(about.get(":created_at", name)), False, "", name)


def _strange() -> Upload | None:
    strange: Upload | None = _STRANGE
    return strange


def _people(metadata: bytes | None) -> Mapping[str, Any]:
    """Gradescope's account of who handed in what; empty where it cannot be read."""
    if metadata is None:
        return {}
    try:
        found = yaml.load(metadata, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
