"""A learning platform's download of a whole class, as a zip or unpacked, becomes one candidate an attempt."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from grader.errors import SubmissionRejected
from grader.submission.archive import open_archive
from grader.submission.files import read_file
from grader.submission.names import is_archive, is_junk, safe_id, stem
from grader.submission.parts import MOST_IN_A_CLASS
from grader.submission.platforms import METADATA, Attempt, Upload, attempts_of, read_download
from grader.submission.roster import joined
from grader.submission.values import MEBIBYTE, Candidate

_MOST_METADATA = 64 * MEBIBYTE


def find_download(path: Path, rule: str) -> tuple[Candidate, ...] | None:
    """The attempts that count by `rule` in the folder or zip `path`; None where it is no platform's download."""
    with suppress(SubmissionRejected, OSError):
        if path.is_dir():
            return _candidates(path, *_folder(path), rule)
        if is_archive(path.name):
            return _candidates(path, *_archive(path), rule)
    return None


def _candidates(
    path: Path, prefix: str, names: list[str], metadata: bytes | None, rule: str
) -> tuple[Candidate, ...] | None:
    found = read_download(names, metadata)
    if found is None:
        return None
    attempts = attempts_of((upload for upload in found.values() if isinstance(upload, Upload)), rule)
    strangers = [name for name in names if name not in found and name != METADATA]
    known = [_candidate(path, prefix, attempt, rule) for attempt in attempts]
    return tuple(known + [_stranger(path, prefix, name) for name in strangers if _may_be_work(path, name)]) or None


def _candidate(path: Path, prefix: str, attempt: Attempt, rule: str) -> Candidate:
    several = f"attempt {attempt.number} of {attempt.of} counts (--attempt {rule})" if attempt.of > 1 else None
    late = "the platform marks it as late" if attempt.late else None
    student = f"{attempt.student}-attempt-{attempt.number}" if rule == "all" and attempt.of > 1 else attempt.student
    return Candidate(
        id=safe_id(student),
        location=path,
        note=joined(several if rule != "all" else None, late),
        parts=tuple((given, prefix + source) for given, source in attempt.parts),
        name=attempt.name,
        identifiers=attempt.identifiers,
        attempt=attempt.number if attempt.of > 1 else None,
        late=attempt.late,
    )


def _stranger(path: Path, prefix: str, name: str) -> Candidate:
    """Work that does not follow the pattern of the rest is graded all the same."""
    given = name if "." in name else ""
    return Candidate(
        safe_id(stem(name)), path, "its name does not follow the platform's pattern", ((given, prefix + name),)
    )


def _may_be_work(path: Path, name: str) -> bool:
    return name.lower().endswith((".ipynb", ".py", ".zip")) or "." not in name


def _folder(path: Path) -> tuple[str, list[str], bytes | None]:
    """The names in a folder, in that folder's only folder where there is nothing else, and the metadata."""
    names = sorted(name for name in os.listdir(path) if not is_junk(name))
    prefix = ""
    if len(names) == 1 and (path / names[0]).is_dir() and not (path / names[0]).is_symlink():
        inner = sorted(name for name in os.listdir(path / names[0]) if not is_junk(name))
        if read_download(inner, None) is not None:
            prefix, names = f"{names[0]}/", inner
    metadata = path / prefix / METADATA
    return prefix, names, read_file(metadata, METADATA, _MOST_METADATA) if metadata.is_file() else None


def _archive(path: Path) -> tuple[str, list[str], bytes | None]:
    """The same of a zip."""
    with open_archive(path, path.name, MOST_IN_A_CLASS) as items:
        files = [item.name for item in items]
        prefix = ""
        tops = {name.partition("/")[0] for name in files}
        if len(tops) == 1 and all("/" in name for name in files):
            prefix = f"{tops.pop()}/"
            if read_download([prefix[:-1]], None) is not None:  # the only student's own folder
                prefix = ""
        names = sorted({name[len(prefix) :].partition("/")[0] for name in files})
        metadata = next((item for item in items if item.name == prefix + METADATA), None)
        return prefix, names, metadata.read(_MOST_METADATA) if metadata else None
