"""The filter of system calls: what no coursework needs and an attacker would start with."""

from __future__ import annotations

import errno
import os
import socket
from functools import lru_cache
from typing import Any

from grader.errors import IsolationError
from grader.sandbox.starter import namespaces

# Other programs, the kernel's own state, and parts of the kernel with a history of holes.
REFUSED = (
    "acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount "
    "fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr "
    "move_mount name_to_handle_at open_by_handle_at open_tree perf_event_open personality pidfd_getfd pivot_root "
    "process_madvise process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key setdomainname "
    "sethostname setns settimeofday swapoff swapon syslog umount2 unshare uselib userfaultfd vhangup"
).split()
# Answered as by a kernel that lacks them, since libraries try these and then do without. memfd and System V shared
# memory are memory that belongs to no process and no sized file system, so no limit would count it; clone3 passes its
# flags in memory, where a filter cannot see them.
ABSENT = (
    "clone3 io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret mq_open msgget semget shmget "
    "shmat"
).split()
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
MAP_SHARED, MAP_ANONYMOUS, MAP_HUGETLB = 0x01, 0x20, 0x40000
NETLINK_ROUTE = 0
WORD = 0xFFFFFFFF
# Harmless on files of one's own, which is all that they would be used for; Landlock does not cover them.
METADATA = (
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr "
    "fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat"
).split()


@lru_cache(maxsize=2)
def program(network_namespace: bool) -> bytes:
    """The BPF program for a sandbox with or without a network namespace and file system of its own.

    Raises IsolationError where libseccomp is missing.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise IsolationError(
            f"the filter of system calls cannot be made ({error})",
            remedy="Install libseccomp2 (apt-get install libseccomp2) and pyseccomp (pip install pyseccomp)",
        ) from error
    rules = _Rules(pyseccomp)
    for name in REFUSED:
        rules.refuse(name)
    for name in ABSENT:
        rules.refuse(name, number=errno.ENOSYS)
    _arguments(rules, pyseccomp)
    _sockets(rules, pyseccomp, network_namespace)
    if not network_namespace:
        _same_host(rules, pyseccomp)
    return rules.export()


class _Rules:
    """A filter that allows what no rule refuses."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._filter = library.SyscallFilter(library.ALLOW)

    def refuse(self, name: str, *conditions: Any, number: int = errno.EPERM) -> None:
        """Answers the call `name` with error `number` (0: reports success, does nothing) where all conditions hold."""
        try:
            self._filter.add_rule(self._library.ERRNO(number), name, *conditions)
        except (ValueError, OSError):
            # This libseccomp or this architecture does not know the call.
            return

    def export(self) -> bytes:
        handle = os.memfd_create("filter", os.MFD_CLOEXEC)
        with os.fdopen(handle, "w+b", buffering=0) as stream:
            self._filter.export_bpf(stream)
            stream.seek(0)
            return stream.read()


def _arguments(rules: _Rules, library: Any) -> None:
    """Calls that are refused for certain arguments only."""

    def has(argument: int, bits: int) -> Any:
        return library.Arg(argument, library.MASKED_EQ, bits, bits)

    for flag in set(namespaces.FLAGS.values()):
        rules.refuse("clone", has(0, flag))
    for request in (TIOCSTI, TIOCLINUX):
        rules.refuse("ioctl", library.Arg(1, library.MASKED_EQ, WORD, request))
    # Shared anonymous memory lives on while one page of it is mapped, and only mapped pages are counted.
    rules.refuse("mmap", has(3, MAP_SHARED | MAP_ANONYMOUS), number=errno.ENOMEM)
    rules.refuse("mmap", has(3, MAP_HUGETLB), number=errno.ENOMEM)
    rules.refuse("prlimit64", library.Arg(0, library.NE, 0))


def _sockets(rules: _Rules, library: Any, network_namespace: bool) -> None:
    """Only the families that libraries use, and none that leads out; libzmq aborts without AF_NETLINK."""
    allowed = {socket.AF_UNIX, socket.AF_NETLINK}
    if network_namespace:
        allowed |= {socket.AF_INET, socket.AF_INET6}
    for family in range(max(allowed)):
        if family not in allowed:
            rules.refuse("socket", library.Arg(0, library.EQ, family), number=errno.EAFNOSUPPORT)
    rules.refuse("socket", library.Arg(0, library.GT, max(allowed)), number=errno.EAFNOSUPPORT)
    route_only = (library.Arg(0, library.EQ, socket.AF_NETLINK), library.Arg(2, library.NE, NETLINK_ROUTE))
    rules.refuse("socket", *route_only, number=errno.EPROTONOSUPPORT)


def _same_host(rules: _Rules, library: Any) -> None:
    """What a sandbox needs that shares files and processes with the host."""
    rules.refuse("kill", library.Arg(0, library.MASKED_EQ, WORD, WORD))
    for name in METADATA:
        rules.refuse(name, number=0)
