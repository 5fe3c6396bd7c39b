"""The user's cache: where it is, and how files get into it without ever being half-written."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.errors import DataError

READABLE_DIRECTORY = 0o755
READABLE_FILE = 0o444


def cache_directory() -> Path:
    """The folder that holds staged data sets and measured baselines; it need not exist yet.

    `$GRADE_CACHE` where it is set, else the platform's place for a user's cache. Root's home is closed to other users,
    while the sandbox drops root's rights before it reads the data: so for root it is the system's cache folder.
    """
    override = os.environ.get("GRADE_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "grade"
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / "grade"
    return Path("/var/cache/grade") if os.geteuid() == 0 else Path.home() / ".cache" / "grade"


def make_directory(path: Path) -> Path:
    """Makes `path` and its missing parents, each open to be read by every user, and returns it.

    Raises DataError where the file system does not allow it.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(READABLE_DIRECTORY)
    except OSError as error:
        raise DataError(
            f"the cache folder cannot be made ({error.strerror})",
            file=str(path),
            remedy="Set GRADE_CACHE to a folder that you may write to",
        ) from error
    return path


def read_record(path: Path, schema: str) -> Mapping[str, Any] | None:
    """The JSON object in `path`, or None where it is missing, damaged or of another schema: a cache is remade."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("schema") == schema else None


def write_record(path: Path, schema: str, record: Mapping[str, Any]) -> None:
    """Writes `record` as JSON under its schema name, atomically; raises DataError where that fails."""
    make_directory(path.parent)
    write_atomically(path, (json.dumps({"schema": schema, **record}, indent=2) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces `path` by `content`, readable by every user: readers see the old file or the new, never a part."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            temporary = Path(stream.name)
            stream.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise DataError(
            f"the file cannot be written ({error.strerror})",
            file=str(path),
            remedy="Free some space there, or set GRADE_CACHE to a folder that you may write to",
        ) from error
