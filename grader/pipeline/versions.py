"""Which grader it is: hashes of its own source, so that whatever a change may alter is done again, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# What turns evidence into facts; checks, score and reports only read those.
_VERIFYING = (
    "verify",
    "evidence",
    "recorder/fingerprint.py",
    "pipeline/facts.py",
    "pipeline/probes.py",
    "pipeline/weights.py",
)


@lru_cache(maxsize=1)
def grader_version() -> str:
    """The hash of everything that has a part in a grade or its reports."""
    return _hash(path for path in PACKAGE.iterdir() if path.name not in ("cli", "__pycache__", "reference"))


@lru_cache(maxsize=1)
def verifier_version() -> str:
    """The hash of what the facts of a run depend on."""
    return _hash(PACKAGE / name for name in _VERIFYING)


def _hash(roots: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*"))]
    for file in sorted(files):
        if file.suffix in (".py", ".j2"):
            digest.update(f"{file.relative_to(PACKAGE)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
