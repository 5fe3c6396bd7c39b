"""Starts the Jupyter kernel: as a program of its own, or as a fork where its modules are there already."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Protocol

BOOT = "recorder.boot"
PIPE_VARIABLE = "GRADE_INNER_PIPE"


class Kernel(Protocol):
    """The kernel's process, as far as the runner has to do with it."""

    def poll(self) -> int | None:
        """Its exit code, -N after signal N, None while it lives."""

    def kill(self) -> None:
        """Kills it; nothing happens where it has ended."""


def write_connection(folder: str) -> str:
    """Writes the file that says where the kernel listens: on IPC sockets in `folder`. Returns its path."""
    connection = {
        "transport": "ipc",
        "ip": os.path.join(folder, "k"),
        "shell_port": 1,
        "iopub_port": 2,
        "stdin_port": 3,
        "control_port": 4,
        "hb_port": 5,
        "key": os.urandom(16).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
    }
    path = os.path.join(folder, "connection.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(connection, file)
    return path


def start_kernel(connection: str, outlet: int) -> Kernel:
    """Starts the kernel, which writes to the descriptor `outlet`."""
    command = [sys.executable, "-P", "-m", BOOT, "-f", connection]
    environment = {**os.environ, PIPE_VARIABLE: str(outlet)}
    return subprocess.Popen(command, env=environment, pass_fds=(outlet,), stdin=subprocess.DEVNULL)


class ForkedKernel:
    """The kernel as a child that was forked."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)


def fork_kernel(connection: str, outlet: int) -> ForkedKernel | None:
    """As `start_kernel`, with the modules of this process, which may have no other thread; None in the child, which is
    then what `python -m recorder.boot` is when it begins."""
    pid = os.fork()
    if pid:
        return ForkedKernel(pid)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(3, outlet)
    os.closerange(outlet + 1, os.sysconf("SC_OPEN_MAX"))
    os.environ[PIPE_VARIABLE] = str(outlet)
    sys.argv = [BOOT, "-f", connection]
    return None
