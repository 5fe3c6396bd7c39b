"""Databases for the gradebook: SQLite, and a PostgreSQL server of the test session's own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgresql_programs() -> Path | None:
    """The folder with initdb and pg_ctl of the newest PostgreSQL that is installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server that listens on a socket in a folder of its own, and on no network.

    It refuses to run as root, so there it runs as the user that Debian's package makes, or as nobody. Where it is not
    installed the test is skipped; in CI (CI=true) it fails.
    """
    programs = postgresql_programs()
    if programs is None:
        reason = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in ("postgres", "nobody") if name in names) if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="grade-pg-") as folder:  # a socket's path has to be short
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = f"{folder}/data"

        def run(*command: str) -> None:
            finished = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, timeout=120)
            assert finished.returncode == 0, finished.stdout + finished.stderr

        run(str(programs / "initdb"), "-D", data, "-U", "grader", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        server = (str(programs / "pg_ctl"), "-D", data)
        subprocess.run(
            [*server, "-w", "-l", f"{folder}/log", "-o", options, "start"],
            user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=120,
        )  # fmt: skip
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={folder}"
        finally:
            run(*server, "-m", "immediate", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gradebook.db"
    import sqlalchemy

    server: str = request.getfixturevalue("postgresql")
    name = f"book{abs(hash(str(tmp_path)))}"
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
