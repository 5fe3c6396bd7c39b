"""Control groups: the kernel holds memory and processes of a run, where it has cgroup v2 and the grader may use it.

Few machines that run tests hand a group over. So the tests are run in a Linux of their own as well, which Debian's and
Ubuntu's package user-mode-linux starts as an ordinary program on this machine's files.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import group, who_holds_memory
from grader.sandbox.zygote import Zygote
from tests.sandbox import programs
from tests.sandbox.programs import MEBIBYTE, run_code

KERNEL = "linux.uml"
INSIDE = "GRADE_TEST_INSIDE"  # set where these tests run in a kernel of their own
START_S = 300
# Where a kernel fails that reserves less than a processor with AMX needs for its floating-point state.
TOO_MANY_REGISTERS = "put_fp_registers"

# The first process of that Linux: a group that is handed over, and the tests in it alone.
INIT = """\
#!/bin/sh
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm
echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/scope
(echo 0 > /sys/fs/cgroup/scope/cgroup.procs; cd {repository} && exec env {environment} \
{python} -m pytest -p no:cacheprovider -n 0 -q -rs {file} > {output} 2>&1)
echo o > /proc/sysrq-trigger
sleep 60
"""


@pytest.fixture
def folder() -> Path:
    """The group in which runs get theirs, or a skip."""
    found = group.parent()
    if found is None:
        pytest.skip("no control group is handed over here")
    return found


@pytest.mark.skipif(INSIDE in os.environ, reason="this is the kernel of the tests' own")
def test_in_a_kernel_that_hands_a_group_over(open_path: Path, repo_root: Path) -> None:
    """Every test of this file passes there, none skipped but this one."""
    if shutil.which(KERNEL) is None:
        pytest.skip(f"{KERNEL} is not installed: apt-get install user-mode-linux")
    init, output = open_path / "init", open_path / "output.txt"
    settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(open_path), "GRADE_CACHE": str(open_path)}
    environment = shlex.join(f"{name}={value}" for name, value in {**settings, INSIDE: "1"}.items())
    paths = {"repository": repo_root, "python": sys.executable, "file": __file__, "output": output}
    quoted = {name: shlex.quote(str(path)) for name, path in paths.items()}
    init.write_text(INIT.format(environment=environment, **quoted), encoding="utf-8")
    init.chmod(0o755)
    console = run_kernel(init)
    if not output.exists() and TOO_MANY_REGISTERS in console:
        pytest.skip(f"{KERNEL} starts no program on this processor: it has too little room for its registers")
    told = output.read_text(encoding="utf-8")
    assert "8 passed, 1 skipped" in told, told[-3000:]


def run_kernel(init: Path) -> str:
    """Starts that Linux with `init` as its first process, until it is switched off. Returns what its console shows."""
    settings = ("mem=1200M", "root=/dev/root", "rootfstype=hostfs", "rw", "con=null", "con0=null,fd:1")
    done = subprocess.run(
        [KERNEL, *settings, f"init={init}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=START_S, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


def test_the_group_that_is_handed_over_is_used(folder: Path) -> None:
    """The grader's own processes go beneath it, since a group with controllers holds none, and people are told."""
    assert group.parent() == folder
    if INSIDE in os.environ:
        assert folder == Path("/sys/fs/cgroup/scope")
        assert Path("/proc/self/cgroup").read_text(encoding="ascii") == "0::/scope/grade\n"
    assert who_holds_memory() == f"held by the kernel, in control groups beneath {folder}"


def test_each_run_has_a_group_of_its_own(folder: Path) -> None:
    """The program is in a group with the run's limits, which is gone afterwards."""
    seen = run_code("send(open('/proc/self/cgroup').read()); sys.stdin.read(1)", "none", answer=None)
    first = seen.evidence.strip().rpartition("/")[2]
    assert first.startswith(group.RUN)
    assert not list(folder.glob(f"{group.RUN}*"))
    assert run_code("send(open('/proc/self/cgroup').read())", "none").evidence.strip().rpartition("/")[2] != first


def test_a_fork_joins_its_group(folder: Path, open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork of a zygote, which is in the grader's group itself, is in the run's before its program begins."""
    for name in ("__init__", "preload"):
        (open_path / f"{name}.py").write_text("", encoding="ascii")
    zygote = Zygote(str(open_path))
    monkeypatch.setattr(programs, "zygote", zygote)
    code = "send(open('/proc/self/cgroup').read()); x = bytearray(400 << 20); send('after')"
    seen = run_code(code, "full", memory_bytes=200 * MEBIBYTE)
    zygote.close()
    assert (seen.outcome.status, seen.outcome.limit) == ("out_of_memory", "memory")
    assert group.RUN in seen.evidence and "after" not in seen.evidence
    assert not list(folder.glob(f"{group.RUN}*"))


@pytest.mark.parametrize("level", ["full", "none"])
def test_the_kernel_ends_a_run_with_too_much_memory(folder: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Nobody has to look: with the watch on memory taken away the run ends, and its status says why."""
    monkeypatch.setattr("grader.sandbox.watch.Watch._memory", lambda *_: None)
    code = "send('before'); x = bytearray(400 << 20); send('after')"
    seen = run_code(code, level, memory_bytes=200 * MEBIBYTE)  # type: ignore[arg-type]
    assert (seen.outcome.status, seen.outcome.limit, seen.evidence) == ("out_of_memory", "memory", "before")
    assert "200 MiB" in seen.outcome.message and seen.outcome.peak_memory_bytes >= 200 * MEBIBYTE


def test_memory_that_no_process_has_mapped_counts(folder: Path) -> None:
    """Files in shared memory are the run's, also where it shares /dev/shm with the host and the watch cannot tell."""
    code = """
with open(f"/dev/shm/grade-{os.getpid()}", "wb", buffering=0) as stream:
    os.unlink(stream.name)
    for _ in range(150):
        stream.write(bytes(1 << 20))
    send("after")
"""
    limits = {"memory_bytes": 100 * MEBIBYTE, "file_bytes": 300 * MEBIBYTE, "disk_bytes": 300 * MEBIBYTE}
    seen = run_code(code, "none", **limits)
    assert (seen.outcome.limit, seen.evidence) == ("memory", "")


def test_processes_are_counted_by_the_kernel(folder: Path) -> None:
    """Exactly as many as allowed can be there, whoever else has processes."""
    code = """
import time
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        made += 1
except OSError:
    send(made)
"""
    assert run_code(code, "none", processes=20).evidence == "19"


def test_a_group_with_strangers_is_left_alone(folder: Path) -> None:
    """Nobody else's processes are ever moved; what killed graders left is removed, the runs of others are not."""
    own, gone, alive = (folder / name for name in ("other", f"{group.RUN}4000000-x", f"{group.RUN}{os.getpid()}-x"))
    for path in (own, gone, alive):
        path.mkdir()
    try:
        assert group._is_ours(own)
        (own / "cgroup.procs").write_text("1", encoding="ascii")
        assert not group._is_ours(own)
        group._sweep(folder)
        assert alive.exists() and not gone.exists()
    finally:
        (folder.parent / "cgroup.procs").write_text("1", encoding="ascii")
        for path in filter(Path.exists, (own, gone, alive)):
            path.rmdir()
