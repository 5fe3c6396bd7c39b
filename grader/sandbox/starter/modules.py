"""Importing for a sandbox from outside of it: each module is then what it would be if it had been imported inside.

Run by its text, before any other module of this package can be imported so.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
from collections.abc import Sequence
from types import CodeType, ModuleType


class Finder(importlib.abc.MetaPathFinder):
    """Finds the top-level packages of `places`, name -> (folder here, folder inside), and all that is in them. Their
    code, and so every traceback, names the folder inside alone."""

    def __init__(self, places: dict[str, tuple[str, str]]) -> None:
        self._places = places

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, *parts = name.split(".")
        if package not in self._places:
            return None
        here, there = self._places[package]
        below = "/".join(["", *parts])
        is_package = os.path.isdir(here + below)
        file = f"{below}/__init__.py" if is_package else f"{below}.py"
        loader = _Loader(name, here + file, there + file)
        folders = [there + below] if is_package else None
        return importlib.util.spec_from_file_location(
            name, there + file, loader=loader, submodule_search_locations=folders
        )


class _Loader(importlib.abc.InspectLoader):
    """Reads the file here and compiles it as the one there."""

    def __init__(self, name: str, here: str, there: str) -> None:
        self._name, self._here, self._there = name, here, there

    def get_source(self, fullname: str) -> str:
        with open(self._here, encoding="utf-8") as file:
            return file.read()

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.get_source(fullname), self._there, "exec", dont_inherit=True)
        return code

    def is_package(self, fullname: str) -> bool:
        return self._there.endswith("/__init__.py")
