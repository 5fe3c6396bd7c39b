"""Becoming an ordinary user in a test that root runs: a Python that others can reach, and a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

NOBODY = 65534
REPOSITORY = Path(__file__).resolve().parents[1]


def ordinary_command(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The same, whoever runs the tests: an ordinary user needs nobody else's Python."""
    if os.geteuid() == 0:
        return ordinary_python(folder)
    return [sys.executable], {**os.environ, "PYTHONPATH": str(REPOSITORY), "GRADE_CACHE": str(folder / "cache")}


def ordinary_python(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The beginning of a command that runs this Python as user `nobody`, and its environment; a skip where there is
    no such Python. `folder` must be one that others may enter.
    """
    python = Path("/usr/bin/python3")
    version = ".".join(map(str, sys.version_info[:2]))
    if not python.exists() or not os.path.realpath(python).endswith(version):
        pytest.skip(f"the system has no Python {version} that other users can reach")
    home, venv = folder / "home", folder / "venv"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    packages = venv / "lib" / f"python{version}" / "site-packages"
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return ["setpriv", *user, str(venv / "bin" / "python")], environment
