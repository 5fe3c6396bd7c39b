"""Evidence that was gathered before: by content, so that the same work is never run twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Stored:
    """A run's bytes as they came out of the sandbox, and the parent's own account of how it ended."""

    account: Mapping[str, Any]
    stream: bytes


def evidence_key(parts: Mapping[str, Any]) -> str:
    """A name for everything that the evidence depends on: submission, data, recorder, limits, seed."""
    return hashlib.sha256(json.dumps([SCHEMA, parts], sort_keys=True).encode()).hexdigest()


class EvidenceStore:
    """A folder of runs. Entries are written whole or not at all; one that cannot be read counts as absent."""

    def __init__(self, folder: Path):
        self._folder = folder

    def has(self, key: str) -> bool:
        """Whether there is an entry, readable or not."""
        return (self._folder / key).is_dir()

    def load(self, key: str) -> Stored | None:
        try:
            account = json.loads((self._folder / key / "account.json").read_bytes())
            stream = (self._folder / key / "evidence.gev").read_bytes()
            whole = account.pop("sha256") == hashlib.sha256(stream).hexdigest()
            return Stored(account, stream) if whole else None
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None

    def save(self, key: str, stored: Stored) -> None:
        """Keeps a run; a full disk or a second writer loses nothing but the saving."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as draft:
                Path(draft, "account.json").write_text(
                    json.dumps({**stored.account, "sha256": hashlib.sha256(stored.stream).hexdigest()}),
                    encoding="utf-8",
                )
                Path(draft, "evidence.gev").write_bytes(stored.stream)
                # What stands there is either the same run or one that could not be read.
                shutil.rmtree(self._folder / key, ignore_errors=True)
                os.rename(Path(draft), self._folder / key)
                Path(draft).mkdir()
        except OSError:
            return
