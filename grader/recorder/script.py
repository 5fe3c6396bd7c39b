"""Runs a student's module as `python module.py` would, within the Jupyter kernel's `__main__`."""

from __future__ import annotations

import os
import sys
from typing import Any


def run(path: str, namespace: dict[str, Any]) -> None:
    """Executes the file in `namespace`; its own errors pass."""
    path = os.path.abspath(path)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    sys.argv = [path]
    namespace["__file__"] = path
    exec(code, namespace)  # noqa: S102 - this is what the sandbox is for
