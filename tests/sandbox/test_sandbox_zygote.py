"""Runs that are forked from one process: in the same state as others, apart from each other, and only where that holds.

That walls and limits hold for them as for any run is tested where that is tested for all (FORKS).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.assignment import load_assignment
from grader.sandbox import Isolation, Reply, kept, run, tree
from grader.sandbox.command import LAYOUT
from grader.sandbox.run import RECORDER
from grader.sandbox.values import Level, Probe, Program
from grader.sandbox.zygote import Zygote, ZygoteError
from tests.ordinary import ordinary_command
from tests.sandbox import programs
from tests.sandbox.programs import LIMITS, run_code
from tests.sandbox.test_sandbox_run import dataset, submission

STATE = """
import glob, json, resource, signal, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
names = ["Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
         "Seccomp_filters", "SigBlk", "SigIgn", "SigCgt", "Threads", "TracerPid", "THP_enabled", "Cpus_allowed_list"]
kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
spaces = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
send(json.dumps({
    "status": {name: status[name].strip() for name in names},
    "of the sandbox": spaces == {kind: os.readlink(f"/proc/1/ns/{kind}") for kind in kinds},
    "of the host": [kind for kind, name in spaces.items() if name == HOST[kind]],
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in limits},
    "environment": dict(sorted(os.environ.items())),
    "mounts": [line.split()[4:6] + line.split(" - ")[1].split()[:1] for line in open("/proc/self/mountinfo")],
    "open": sorted((int(name), os.readlink(path).split(":")[0]) for name in os.listdir("/proc/self/fd")
                   if os.path.lexists(path := f"/proc/self/fd/{name}")),
    "folders": [os.getcwd(), os.readlink("/proc/self/root"), sorted(os.listdir("/"))],
    "leads": [os.getsid(0) == os.getpgid(0)],
    "machine": [os.uname().nodename, os.nice(0), open("/proc/self/oom_score_adj").read(), os.sched_getscheduler(0)],
    "python": [sys.executable, sys.prefix, sys.path, sys.argv, list(sys.flags), str(sys.stdin), str(sys.stdout),
               sys.stdout.line_buffering, str(sys.stderr), sys.excepthook is sys.__excepthook__, __name__],
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "shared": [line.split()[1:6:4] for line in open("/proc/self/maps") if line.split()[1][3] == "s"],
    "bait": [path for path in glob.glob("/proc/[0-9]*/environ") if "PWD" in open(path).read()],
}))
"""


@pytest.fixture
def forks(childless: Zygote, monkeypatch: pytest.MonkeyPatch) -> Zygote:
    """The zygote, of which the programs of the test are forks."""
    monkeypatch.setattr(programs, "zygote", childless)
    return childless


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process keeps no zygote, before the test and after it."""
    monkeypatch.setattr(kept, "_kept", None)
    monkeypatch.setattr(kept, "_tried", False)
    yield
    if kept._kept is not None:
        kept._kept.close()


def state(level: Level) -> dict[str, Any]:
    """All that a program can tell of the state that it begins in."""
    host = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in os.listdir("/proc/self/ns")}
    seen = run_code(f"HOST = {host!r}\n{STATE}", level, arguments=("x",))
    found: dict[str, Any] = json.loads(seen.evidence)
    return found


def test_a_fork_begins_in_the_state_of_a_program_of_its_own(full: Level, forks: Zygote) -> None:
    """Rights, namespaces, filter, limits, mounts, descriptors, environment, signals: no difference is to be seen."""
    forked = state(full)
    programs.zygote = None
    alone = state(full)
    assert forked == alone
    assert forked["of the sandbox"] and forked["of the host"] == []
    assert forked["status"]["CapEff"] == "0" * 16 and forked["status"]["Seccomp"] == "2"
    assert all("w" not in rights for rights, _ in forked["shared"]) and forked["bait"] == []


def test_it_was_a_fork(full: Level, forks: Zygote) -> None:
    """In a fork torch is there before anything was imported; in a program of its own it is not."""
    code = "send('torch' in sys.modules)"
    assert run_code(code, full).evidence == "True"
    programs.zygote = None
    assert run_code(code, full).evidence == "False"


ORDINARY = """
import os
from grader.sandbox.run import RECORDER
from grader.sandbox.zygote import Zygote
from tests.sandbox import programs
programs.zygote = Zygote(str(RECORDER))
code = "send([os.getuid(), 'torch' in sys.modules, attempt(open, '/etc/hostname'), attempt(os.setuid, 0)])"
seen = programs.run_code(code, "full")
greedy = programs.run_code("x = bytearray(900 << 20); sys.stdin.read()", "full", memory_bytes=600 << 20, wall_s=20.0)
print(seen.outcome.status, seen.evidence, greedy.outcome.limit, sep="|")
"""


def test_an_ordinary_user_can_fork(full: Level, open_path: Path) -> None:
    """A grader that is not root has forks in its sandbox, too, within their limits."""
    python, environment = ordinary_command(open_path)
    command = [*python, "-c", ORDINARY]
    result = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "finished|[1000, True, 'FileNotFoundError', 'OSError']|memory"


def test_what_a_run_changes_the_next_one_does_not_see(full: Level, forks: Zygote) -> None:
    """A module that one fork has changed is as ever in the next, and random names differ."""
    code = """
import random, tempfile, torch
send([hasattr(torch, "changed"), torch.nn.Linear(2, 2).weight.sum().item()])
torch.changed = True
torch.nn.Linear.forward = None
open(tempfile.mkstemp(prefix="left-")[1], "w").close()
send(" " + os.path.basename(tempfile.mkdtemp()))
"""
    first, second = run_code(code, full).evidence.split(" tmp"), run_code(code, full).evidence.split(" tmp")
    assert first[0] == second[0] and first[0].startswith("[False, ")
    assert first[1] != second[1]


@pytest.mark.parametrize(
    ("code", "exit_code", "printed"),
    [
        ("import atexit; atexit.register(print, 'at exit')", 0, "at exit\n"),
        ("import threading; threading.Timer(0.3, print, ['thread']).start()", 0, "thread\n"),
        ("print('out', end=''); sys.exit('told')", 1, "told\nout"),
        ("sys.exit(7)", 7, ""),
        ("os.kill(os.getpid(), 11)", 139, ""),
        ("raise RuntimeError('oh')", 1, "RuntimeError: oh\n"),
        ("assert __name__ == '__main__' and sys.modules['__main__'].attempt is attempt", 0, ""),
    ],
)  # fmt: skip
def test_a_fork_ends_as_a_program_of_its_own(
    full: Level, forks: Zygote, code: str, exit_code: int, printed: str
) -> None:
    """Threads are awaited, exit functions called, output written, errors told, the exit code passed on."""
    for _ in ("forked", "alone"):
        outcome = run_code(code, full).outcome
        assert outcome.exit_code == exit_code
        assert outcome.tail.endswith(printed), outcome.tail
        programs.zygote = None


def test_only_what_makes_no_difference_is_forked(zygote: Zygote) -> None:
    """Another recorder or allocator, and a file that stands for a module which is imported, need a program alone."""
    plain = Program(("-P", "-c", "pass"))
    assert zygote.fits(plain) and zygote.fits(replace(plain, recorder=RECORDER))
    assert zygote.fits(replace(plain, files={"helper_functions.py": b"", "data/random.txt": b"", "model.py": b""}))
    assert not zygote.fits(replace(plain, recorder=RECORDER.parent))
    assert not zygote.fits(replace(plain, preload=False))
    for name in ("random.py", "torch/__init__.py", "attr.py", "PIL/Image.py"):
        assert not zygote.fits(replace(plain, files={name: b""})), name


def test_code_names_the_places_inside(full: Level, forks: Zygote) -> None:
    """Tracebacks through the recorder, and its modules, name the folder that it has inside, and none of the host's."""
    code = """
import recorder.kernel, recorder.taps
places = {module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "recorder"}
places |= set(recorder.__path__) | {recorder.kernel.main.__code__.co_filename}
send(sorted({place.rpartition("/")[0] for place in places} | {str([n for n in sys.modules if "starter" in n])}))
"""
    seen = run_code(code, full, program=Program((), recorder=RECORDER)).evidence
    assert seen == str(["/opt/grade", LAYOUT.packages + "/recorder", "[]"])


def test_no_frame_names_a_place_of_the_host(full: Level, forks: Zygote, repo_root: Path) -> None:
    """What was called before the program, down to the zygote's first line, lies where it would lie inside."""
    code = """
frame = sys._getframe()
while frame:
    send(frame.f_code.co_filename + " ")
    frame = frame.f_back
"""
    seen = run_code(code, full).evidence
    assert "/opt/start/starter/zygote.py" in seen and f"{repo_root}/grader" not in seen


def test_a_dead_zygote_costs_time_and_no_run(full: Level, sample: dict[str, Any]) -> None:
    """A run whose zygote has died is a program of its own, and the zygote is not asked again."""
    zygote = Zygote(str(RECORDER))
    assert zygote.fits(Program(()))
    os.kill(zygote.pid, signal.SIGKILL)
    outcome = run(**sample, isolation=Isolation(full), zygote=zygote)
    assert outcome.status == "stopped"
    assert not zygote.fits(Program(()))


def test_a_zygote_that_cannot_start_is_told(full: Level, tmp_path: Path) -> None:
    """A recorder that cannot be imported makes a zygote that fits nothing, at once."""
    (tmp_path / "__init__.py").write_text("", encoding="ascii")
    with pytest.raises(ZygoteError, match="did not start"):
        Zygote(str(tmp_path)).fits(Program(()))


def test_it_is_kept_where_it_isolates(full: Level, nothing_kept: None) -> None:
    """A process keeps one zygote, for full isolation alone; without being asked to it keeps none."""
    assert kept.kept_zygote("full") is None
    kept.keep_zygote()
    assert isinstance(first := kept.kept_zygote("full"), Zygote) and kept.kept_zygote("full") is first
    assert kept.kept_zygote("partial") is None


def test_a_fork_that_is_isolated_less_is_not_used(
    full: Level, nothing_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the grader's attack from within a fork gets through, every program starts by itself."""
    monkeypatch.setattr(kept, "attack_fork", lambda zygote: (Probe("files", False, "read"),))
    kept.keep_zygote()
    assert kept.kept_zygote("full") is None
    kept.keep_zygote()
    assert kept.kept_zygote("full") is None


@pytest.mark.parametrize("hole", ["rights", "namespaces"])
def test_the_attack_from_within_a_fork_finds_holes(
    full: Level, nothing_kept: None, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    """As root's user, or in the host's network, a fork is found out and not used."""
    if hole == "rights":
        monkeypatch.setattr("grader.sandbox.forked.command.USER", 0)
    else:
        monkeypatch.setattr("grader.sandbox.zygote.KINDS", ("uts", "ipc", "pid", "mnt", "user"))
    kept.keep_zygote()
    assert kept.kept_zygote("full") is None


KILLED = """
import sys
from grader.sandbox import Reply
from grader.sandbox.run import RECORDER
from grader.sandbox.zygote import Zygote
from tests.sandbox import programs
def answer(chunk):
    print(programs.zygote.pid, flush=True)
    return Reply()
programs.zygote = Zygote(str(RECORDER))
programs.run_code("import time; send('x'); time.sleep(300)", "full", answer=answer)
"""


def test_a_killed_grader_leaves_no_fork(full: Level, repo_root: Path) -> None:
    """SIGKILL of the grader's own process ends the zygote, and every fork of it."""
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, env=environment) as grader:
        assert grader.stdout is not None
        zygote = int(grader.stdout.readline())
        pids = [zygote, *tree.descendants(zygote)]
        assert len(pids) == 3
        grader.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10.0
    while (left := [pid for pid in pids if os.path.exists(f"/proc/{pid}")]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def test_a_grader_that_is_killed_early_leaves_no_zygote(repo_root: Path, tmp_path: Path) -> None:
    """It ends with the grader even while it is still importing, and hears nothing."""
    (tmp_path / "__init__.py").write_text("", encoding="ascii")
    (tmp_path / "preload.py").write_text("import time; time.sleep(60)", encoding="ascii")
    script = f"""
import time
from grader.sandbox.zygote import Zygote
zygote = Zygote({str(tmp_path)!r})
print(zygote.pid, flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as grader:
        assert grader.stdout is not None
        zygote = int(grader.stdout.readline())
        time.sleep(0.5)
        grader.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20.0
    while os.path.exists(f"/proc/{zygote}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{zygote}")


def test_a_fork_that_is_killed_ends_at_once(full: Level, forks: Zygote) -> None:
    """The end of the time leaves nothing of a fork, of what it has started, or of who helped it in."""
    code = "import subprocess, time; subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
    outcome = run_code(code, full, wall_s=2.0).outcome
    assert (outcome.status, outcome.limit) == ("timed_out", "wall")
    assert outcome.wall_s < 5


@pytest.fixture
def sample(data: Path) -> dict[str, Any]:
    """The arguments of `run` for a small module, up to its first evidence."""
    return {
        "submission": submission("main.py", files={}),
        "assignment": load_assignment(None),
        "dataset": dataset(data),
        "config": {"seed": 7, "classes": 10, "output_bytes": 1 << 16, "reference_loop": {}},
        "on_chunk": lambda chunk: Reply(stop=True),
        "limits": replace(LIMITS, wall_s=60.0),
    }
