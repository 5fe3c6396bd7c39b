"""Which of the host's files a Python program with the installed libraries needs, and which must stay hidden."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

# A prefix is not shown whole: one made in a home folder would bring that home along.
PREFIX_PARTS = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "fonts", "alternatives", "localtime", "mime.types")
# Without these, torch does not recognise the processor and falls back to slow kernels with other rounding.
PROCESSOR = ("/sys/devices/system/cpu", "/sys/devices/system/node")
TCMALLOC = "libtcmalloc_minimal.so.4"
PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def library_paths() -> tuple[str, ...]:
    """Folders and files of this Python and its packages outside the system's folders, each as spelled and resolved.

    The interpreter is run at its own path inside, so every link on the way to it must be there too.
    """
    wanted = [Path(prefix) / part for prefix in _prefixes() for part in PREFIX_PARTS]
    wanted += [link.parent for link in _links(Path(sys.executable))]
    wanted += [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    found: dict[str, None] = {}
    for path in wanted:
        if path.exists():
            found[str(path)] = None
            found[str(path.resolve())] = None
    return tuple(outermost(path for path in found if not is_beneath(path, SYSTEM)))


def user_base() -> str | None:
    """The folder of packages that were installed for this user alone, where they are in use."""
    return site.getuserbase() if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path else None


def system_paths() -> tuple[str, ...]:
    """The system's programs and libraries that exist here; some may be symbolic links."""
    return tuple(path for path in SYSTEM if os.path.lexists(path))


def hidden_paths(extra: Iterable[Path]) -> tuple[str, ...]:
    """Folders with the rubric, the reference or the grader, by every name under which shown folders contain them.

    The installed packages are shown to the student's program, and the grader may be one of them.
    """
    candidates = [PACKAGE, *(PACKAGE.parent / name for name in ("reference", "submissions", "tests")), *extra]
    candidates += [Path(entry) / "grader" for entry in sys.path if entry.endswith("-packages")]
    folders = {os.path.realpath(path) for path in candidates if path.is_dir()}
    shown = [path for path in (*library_paths(), *SYSTEM) if path not in SYSTEM or not os.path.islink(path)]
    found = set()
    for path in shown:
        real = os.path.realpath(path)
        found |= {path + folder[len(real) :] for folder in folders if is_beneath(folder, (real,))}
    return tuple(outermost(found))


@lru_cache(maxsize=1)
def tcmalloc() -> str | None:
    """The preloadable allocator that trains 12 to 17% faster, where the system has it."""
    folders = ("/usr/lib", "/usr/lib64", *(str(path) for path in Path("/usr/lib").glob("*-linux-gnu")))
    return next((path for folder in folders if os.path.exists(path := f"{folder}/{TCMALLOC}")), None)


def outermost(paths: Iterable[str]) -> list[str]:
    """`paths` in order, without those that lie beneath another of them."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not is_beneath(path, kept):
            kept.append(path)
    return kept


def is_beneath(path: str, folders: Iterable[str]) -> bool:
    """Whether `path` is one of `folders` or lies in one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _prefixes() -> list[str]:
    names = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return sorted(names | {os.path.realpath(name) for name in names})


def _links(path: Path) -> list[Path]:
    """`path` and every symbolic link on the way from it to the file itself."""
    chain = [path]
    while path.is_symlink() and len(chain) < 20:
        path = path.parent / os.readlink(path)
        chain.append(path)
    return chain
