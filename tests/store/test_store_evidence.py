"""The evidence store: whole entries or none, found by what they depend on."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from grader.store import EvidenceStore, Stored, evidence_key

KEY = evidence_key({"submission": "abc", "seed": 0})
RUN = Stored({"outcome": {"status": "finished", "wall_s": 1.5}, "probe_seed": 2**63 - 1}, b"GEV1" + bytes(range(256)))


def test_round_trip(tmp_path: Path) -> None:
    """What was saved comes back, bytes and numbers unchanged, in another store on the same folder."""
    EvidenceStore(tmp_path / "a" / "b").save(KEY, RUN)
    assert EvidenceStore(tmp_path / "a" / "b").load(KEY) == RUN


def test_absent(tmp_path: Path) -> None:
    """Nothing is found in an empty folder, in none at all, or under another key."""
    store = EvidenceStore(tmp_path)
    assert store.load(KEY) is None
    assert EvidenceStore(tmp_path / "nowhere").load(KEY) is None
    store.save(KEY, RUN)
    assert store.load(evidence_key({"submission": "abd", "seed": 0})) is None


def test_key_depends_on_everything() -> None:
    """Another value, another name or another type is another key; the order is not."""
    keys = [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "c": 2}, {"a": 1}, {"a": "1", "b": 2}, {"a": {"b": 2}}]
    assert len({evidence_key(parts) for parts in keys}) == len(keys)
    assert evidence_key({"b": 2, "a": 1}) == evidence_key({"a": 1, "b": 2})
    assert evidence_key({"a": 1}).isalnum()


@pytest.mark.parametrize("file", ["account.json", "evidence.gev"])
def test_missing_file(tmp_path: Path, file: str) -> None:
    """An entry of which a part is gone counts as absent."""
    store = EvidenceStore(tmp_path)
    store.save(KEY, RUN)
    (tmp_path / KEY / file).unlink()
    assert store.load(KEY) is None


def test_altered_evidence(tmp_path: Path) -> None:
    """Evidence that is not what was saved, cut off or altered, counts as absent."""
    store = EvidenceStore(tmp_path)
    store.save(KEY, RUN)
    for content in (RUN.stream[:-1], RUN.stream[:-1] + b"x", b""):
        (tmp_path / KEY / "evidence.gev").write_bytes(content)
        assert store.load(KEY) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"3",
        b"{}",
        b"{",
        b"\xff\xfe",
        b"{'a': 1}",
    ],
)
def test_corrupted_account(tmp_path: Path, content: bytes) -> None:
    """An account that is no JSON counts as absent."""
    store = EvidenceStore(tmp_path)
    store.save(KEY, RUN)
    (tmp_path / KEY / "account.json").write_bytes(content)
    assert store.load(KEY) is None


def test_corrupted_entry_is_replaced(tmp_path: Path) -> None:
    """After a new run the entry that could not be read is whole again."""
    store = EvidenceStore(tmp_path)
    store.save(KEY, RUN)
    (tmp_path / KEY / "account.json").write_bytes(b"{")
    store.save(KEY, RUN)
    assert store.load(KEY) == RUN


def test_second_writer(tmp_path: Path) -> None:
    """Saving what is there already loses nothing and leaves nothing behind."""
    store = EvidenceStore(tmp_path)
    store.save(KEY, RUN)
    store.save(KEY, RUN)
    assert store.load(KEY) == RUN
    assert [p.name for p in tmp_path.iterdir()] == [KEY]


def test_many_writers(tmp_path: Path) -> None:
    """Several runs of the same content at once leave one whole entry."""
    threads = [threading.Thread(target=EvidenceStore(tmp_path).save, args=(KEY, RUN)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert EvidenceStore(tmp_path).load(KEY) == RUN
    assert [p.name for p in tmp_path.iterdir()] == [KEY]


def test_readers_never_see_half(tmp_path: Path) -> None:
    """While runs are being saved, whoever reads finds nothing or a whole entry."""
    store, seen = EvidenceStore(tmp_path), []
    keys = [evidence_key({"n": n}) for n in range(40)]
    writer = threading.Thread(target=lambda: [store.save(key, RUN) for key in keys])
    writer.start()
    while writer.is_alive():
        seen += [store.load(key) for key in keys]
    writer.join()
    assert all(one in (None, RUN) for one in seen)
    assert all(store.load(key) == RUN for key in keys)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where nothing can be written, saving is silence: the grade does not depend on it."""
    (tmp_path / "file").write_text("in the way")
    store = EvidenceStore(tmp_path / "file")
    store.save(KEY, RUN)
    assert store.load(KEY) is None


def test_entries_are_for_others_of_the_same_user(tmp_path: Path) -> None:
    """A saved entry can be listed and read by its owner again."""
    EvidenceStore(tmp_path).save(KEY, RUN)
    assert os.access(tmp_path / KEY, os.R_OK | os.X_OK)
