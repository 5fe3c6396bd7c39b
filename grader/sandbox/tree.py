"""The processes of one run, as /proc tells of them: which they are and what they use."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")
KIBIBYTE = 1024
PATH_MAX = 4096  # bytes, with the one that ends it: linux/limits.h
DEEPEST = 16 * PATH_MAX
_CLOSED = frozenset([errno.EACCES, errno.ENAMETOOLONG])
# A folder that was listed and is none any more: the program has removed it, or put a file or a link in its place.
_GONE = frozenset([errno.ENOENT, errno.ENOTDIR, errno.ELOOP])


@dataclass(frozen=True)
class Usage:
    """What some processes use together: bytes of memory, seconds of processor time, processes and threads.

    `private_bytes` belong to one process alone, or so the cheap counters say; `shared_bytes` are mapped files that live
    in memory.
    """

    private_bytes: int
    shared_bytes: int
    cpu_s: float
    tasks: int


def descendants(root: int) -> list[int]:
    """The processes below `root`, itself not included; those that end meanwhile may be in it or not."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def measure(pids: Iterable[int]) -> Usage:
    """What `pids` use by the kernel's cheap counters, which count pages that several share once for each."""
    private, shared, ticks, tasks = 0, 0, 0, 0
    for pid in pids:
        try:
            status = _read(f"/proc/{pid}/status")
            fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        except OSError:
            continue
        private += _field(status, b"RssAnon:") + _field(status, b"VmSwap:")
        shared += _field(status, b"RssShmem:")
        ticks += sum(int(value) for value in fields[11:15])  # user and system time, own and of ended children
        tasks += int(fields[17])
    return Usage(private * KIBIBYTE, shared * KIBIBYTE, ticks / TICKS, tasks)


def measure_exactly(pids: Iterable[int]) -> Usage:
    """As `measure`, but with pages that several share (after a fork, say) counted once; milliseconds a process."""
    private, shared, cpu_s, tasks = 0, 0, 0.0, 0
    for pid in pids:
        usage = measure((pid,))
        cpu_s, tasks = cpu_s + usage.cpu_s, tasks + usage.tasks
        try:
            rollup = _read(f"/proc/{pid}/smaps_rollup")
        except OSError:
            private, shared = private + usage.private_bytes, shared + usage.shared_bytes
            continue
        private += KIBIBYTE * (_field(rollup, b"Pss_Anon:") + _field(rollup, b"SwapPss:"))
        shared += KIBIBYTE * _field(rollup, b"Pss_Shmem:")
    return Usage(private, shared, cpu_s, tasks)


def tasks_of(user: int) -> int:
    """How many processes and threads `user` has on this machine."""
    total = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid == user:
                total += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return total


def disk_usage(folder: str, most: int, owner: int | None = None) -> tuple[int, int]:
    """Bytes and entries beneath `folder`, of those only that belong to the user `owner`; ends at `most` entries.

    A folder that cannot be looked into could hold anything, and counts as `most`: the program has closed it to its own
    user, or has hidden it under a path of more than `DEEPEST` bytes.
    """
    total, entries = 0, 0
    waiting = [folder]
    while waiting and entries < most:
        try:
            for path, information in _listing(waiting.pop()):
                if owner is not None and information.st_uid != owner:
                    continue
                entries += 1
                total += information.st_blocks * 512
                if stat.S_ISDIR(information.st_mode):
                    waiting.append(path)
                if entries >= most:
                    break
        except OSError as error:
            if error.errno in _CLOSED:
                entries = most
            elif error.errno not in _GONE:
                raise
    return total, entries


def _listing(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """What is in `folder`, without what disappears meanwhile."""
    with _opened(folder) as handle, os.scandir(handle) as listing:
        for entry in listing:
            with contextlib.suppress(FileNotFoundError):
                yield os.path.join(folder, entry.name), entry.stat(follow_symlinks=False)


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    """A descriptor of `folder`, which may lie deeper than a path can say, and is no link."""
    path = os.fsencode(folder)
    if len(path) > DEEPEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with contextlib.ExitStack() as stack:
        handle = -1
        for part in _parts(path):
            above = None if handle < 0 else handle
            handle = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=above)
            stack.callback(os.close, handle)
        yield handle


def _parts(path: bytes) -> Iterator[bytes]:
    """`path` in pieces that the kernel takes, each relative to the one before."""
    while len(path) >= PATH_MAX:
        cut = path.rindex(b"/", 0, PATH_MAX)
        yield path[:cut]
        path = path[cut + 1 :]
    yield path


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            children += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    except OSError:  # it ended meanwhile
        return children
    return children


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, 1 << 16)
    finally:
        os.close(handle)


def _field(text: bytes, name: bytes) -> int:
    """The number after `name` at the start of a line, 0 where there is none (a process that has just ended)."""
    start = text.find(b"\n" + name)
    return int(text[start + 1 + len(name) :].split(maxsplit=1)[0]) if start >= 0 else 0
