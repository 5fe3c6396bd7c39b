"""The cache folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import cache_directory
from grader.assignment.cache import read_record, write_atomically, write_record
from grader.errors import DataError


def test_the_variable_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GRADE_CACHE moves the cache, relative to the working folder where it is relative."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADE_CACHE", "here")
    assert cache_directory() == tmp_path / "here"


def test_a_user_has_it_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the variable it is the platform's place for a user's cache."""
    monkeypatch.delenv("GRADE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cache_directory() == tmp_path / ".cache" / "grade"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "grade"


def test_root_has_it_where_other_users_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's home is closed to the user that the sandbox runs as, so root's cache is the system's."""
    monkeypatch.delenv("GRADE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert cache_directory() == Path("/var/cache/grade")


def test_records_have_a_schema(tmp_path: Path) -> None:
    """A record is read back under its own schema and under no other."""
    write_record(tmp_path / "made" / "record.json", "a/1", {"value": 3})
    assert read_record(tmp_path / "made" / "record.json", "a/1") == {"schema": "a/1", "value": 3}
    assert read_record(tmp_path / "made" / "record.json", "a/2") is None


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the file cannot be replaced, nothing half-written stays behind."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inner").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_atomically(tmp_path / "target", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
