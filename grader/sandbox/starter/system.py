"""The system calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import struct

CLONE_NEWNS = 0x20000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """`result`, or OSError naming `what` where it is the C library's -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object, what: str) -> int:
    """Makes the system call `number`; raises OSError naming `what`."""
    return checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def prctl(option: int, value: int = 0, pointer: ctypes.c_void_p | None = None) -> None:
    """prctl(2); raises OSError."""
    zero = ctypes.c_ulong(0)
    checked(_libc.prctl(option, ctypes.c_ulong(value), pointer or zero, zero, zero), f"prctl {option}")


def private_mounts() -> None:
    """Gives this process mounts of its own; raises OSError where it may not."""
    checked(_libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def return_to_mounts(handle: int) -> None:
    """Gives up mounts of its own for those of the namespace that `handle` has open; raises OSError."""
    setns(handle, CLONE_NEWNS, "mnt")


def setns(handle: int, flag: int, kind: str) -> None:
    """Enters the namespace that `handle` has open; raises OSError naming its `kind`."""
    checked(_libc.setns(handle, flag), f"setns {kind}")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2); raises OSError naming the target."""
    kind_bytes = kind.encode() if kind else None
    result = _libc.mount(os.fsencode(source), os.fsencode(target), kind_bytes, ctypes.c_ulong(flags), options.encode())
    checked(result, f"mount on {target}")


def bound_capabilities() -> None:
    """Keeps every capability from ever coming back, as far as this process may say so."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as stream:
        last = int(stream.read())
    for capability in range(last + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except PermissionError:  # no CAP_SETPCAP: then no_new_privs alone keeps them from coming back
            break


def drop_capabilities() -> None:
    """Gives up the capabilities that are held now."""
    header = struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0)
    checked(_libc.capset(header, struct.pack("=6I", 0, 0, 0, 0, 0, 0)), "capset")


def load_seccomp(program: bytes) -> None:
    """Puts the BPF `program` in force for this process and all that it starts; needs no_new_privs."""
    buffer = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(descriptor, len(descriptor))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.cast(holder, ctypes.c_void_p))
