"""The host around a hostile run: secrets to steal, listeners to call, a process to kill; and a look at it after."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.sandbox import tree
from tests.recorder.images import make_images

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
TRAIN, TEST = 300, 150


class World:
    """Everything that an attack is after; `changes` tells what became of it."""

    def __init__(self) -> None:
        self.canary = f"canary-{secrets.token_hex(12)}"
        self.nonce = f"left-{self.canary[-8:]}"
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.folder.chmod(0o755)
        self.data, self.assignment, self.secrets = (self._make(name) for name in ("data", "assignment", "secrets"))
        self.reports, self.open_to_all = self._make("grades"), self._make("open")
        self.open_to_all.chmod(0o777)
        self.temporary = self._make("tmp")  # others' runs on this machine leave their traces elsewhere
        self.temporary.chmod(0o1777)
        tempfile.tempdir = str(self.temporary)
        self._fill()
        self._listen()
        self.victim = self._new_victim()
        self.known: set[int] = set()  # the grader's own helpers
        self.held = open(self.secrets / "secret.txt", "rb")  # noqa: SIM115 - open as long as the world is
        os.set_inheritable(self.held.fileno(), True)

    def _make(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _fill(self) -> None:
        import numpy as np

        for name, count, seed in (("train.npz", TRAIN, 1), ("test.npz", TEST, 2)):
            images, labels = make_images(count, seed)
            np.savez(self.data / name, X=images, Y=np.eye(10, dtype=np.float32)[labels])
        (self.data / "secret-labels.txt").write_text(self.canary, encoding="ascii")
        shutil.copytree(REFERENCE, self.assignment, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        with open(self.assignment / "rubric.toml", "a", encoding="utf-8") as rubric:
            rubric.write(f"\n# {self.canary}\n")
        (self.secrets / "secret.txt").write_text(self.canary, encoding="ascii")
        (self.secrets / "secret-submission.py").write_text(f"# {self.canary}\n", encoding="ascii")

    def _listen(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.tcp.getsockname()[1]))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0hostile-{self.canary[-8:]}")
        self.abstract.listen()
        for one in (self.tcp, self.udp, self.abstract):
            one.setblocking(False)

    def _new_victim(self) -> subprocess.Popen[bytes]:
        environment = {"HOSTILE": self.canary, "PATH": os.defpath}
        return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)

    def bait(self, *, sandboxed: bool) -> bytes:
        """What an attack is told, so that no search of its can fail for want of luck."""
        told = {
            "port": self.tcp.getsockname()[1],
            "abstract": f"\0hostile-{self.canary[-8:]}",
            "victim": self.victim.pid,
            "grader": os.getpid(),
            "secrets": str(self.secrets),
            "assignment": str(self.assignment),
            "folder": str(self.open_to_all),
            "nonce": self.nonce,
            "sandboxed": sandboxed,
        }
        return json.dumps(told).encode()

    def tree(self) -> Mapping[str, Any]:
        """Every file of the world's with its content, and the names in the folders that a run could litter."""
        watched = (self.data, self.assignment, self.secrets, self.open_to_all)
        files = {str(path): path.read_bytes() for folder in watched for path in folder.rglob("*") if path.is_file()}
        return {"files": files, "temporary": sorted(os.listdir(self.temporary))}

    def arrived(self) -> list[str]:
        """Which listeners were called since the last look."""
        found = []
        for name, one in (("tcp", self.tcp), ("udp", self.udp), ("abstract", self.abstract)):
            with contextlib.suppress(BlockingIOError):
                if name == "udp":
                    one.recv(64)
                else:
                    one.accept()[0].close()
                found.append(name)
        return found

    def victim_died(self) -> bool:
        """Whether the process that an attack may want to kill is dead; another then takes its place."""
        if self.victim.poll() is None:
            return False
        self.victim.communicate()
        self.victim = self._new_victim()
        return True

    def survivors(self) -> list[int]:
        """Processes of an attack that still live, and children of this process that nobody knows."""
        found = [pid for pid in tree.descendants(os.getpid()) if pid != self.victim.pid and pid not in self.known]
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                text = path.read_bytes()
                if self.nonce.encode() in text and int(path.parent.name) != os.getpid():
                    found.append(int(path.parent.name))
        return found

    def control(self, code: str, timeout_s: float) -> tuple[str, int | None]:
        """Runs an attack alone, in an ordinary process without a sandbox; its output, and its exit code in time."""
        scratch = Path(tempfile.mkdtemp(dir=self.folder, prefix="control-"))
        (scratch / "attack.py").write_text(code, encoding="utf-8")
        (scratch / "bait.json").write_bytes(self.bait(sandboxed=False))
        environment = {
            "PATH": os.defpath,
            "HOME": str(scratch),
            "GRADE_CANARY": self.canary,
            "SECRETS": str(self.secrets),
            "JUPYTER_RUNTIME_DIR": str(scratch),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "attack.py"]
        with open(scratch / "output.txt", "wb") as output:
            process = subprocess.Popen(
                command,
                cwd=scratch,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[self.held.fileno()],
            )
            try:
                code_ = process.wait(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                code_ = None
                process.kill()
                process.wait()
        time.sleep(0.2)
        text = (scratch / "output.txt").read_text(encoding="utf-8", errors="replace")
        shutil.rmtree(scratch)
        return text, code_

    def close(self) -> None:
        """Takes everything away."""
        self.victim.kill()
        self.victim.communicate()
        for one in (self.held, self.tcp, self.udp, self.abstract):
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)
