"""Landlock, the kernel's own allow-list of files (https://docs.kernel.org/userspace-api/landlock.html)."""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from . import system

# The same numbers on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
MAKE_DEVICES = 1 << 6 | 1 << 11  # character and block devices

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = ((1 << 13) - 1 | REFER | TRUNCATE) & ~MAKE_DEVICES
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # what a rule on a plain file may hold


def version() -> int:
    """The kernel's Landlock ABI, 0 where it has none."""
    try:
        return system.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), CREATE_RULESET_VERSION, what="Landlock")
    except OSError:
        return 0


def restrict(rules: list[tuple[str, int]]) -> None:
    """Denies this process and its children every file but those beneath a rule's path, with the rule's rights.

    Denies as well, as far as the kernel's ABI goes: TCP (4), signals and abstract sockets to processes outside (6).
    Paths that do not exist are passed over. Needs no_new_privs; raises OSError.
    """
    abi = version()
    files = (1 << 13) - 1 | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    attributes = struct.pack("=Q", files)
    if abi >= 4:
        attributes += struct.pack("=Q", 0b11)
    if abi >= 6:
        attributes += struct.pack("=Q", 0b11)
    size = ctypes.c_size_t(len(attributes))
    ruleset = system.syscall(CREATE_RULESET, attributes, size, 0, what="Landlock ruleset")
    for path, rights in rules:
        _add(ruleset, path, rights & files)
    system.syscall(RESTRICT_SELF, ruleset, 0, what="Landlock")
    os.close(ruleset)


def _add(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    if not stat.S_ISDIR(os.fstat(handle).st_mode):
        rights &= OF_FILES
    rule = struct.pack("=Qi", rights, handle)
    system.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0, what=f"Landlock rule for {path}")
    os.close(handle)
