"""What a program inside can see and reach: its own workspace, the libraries, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import sys
import uuid
from pathlib import Path

import pytest

from grader.sandbox.launch import started
from grader.sandbox.values import Level, Program
from tests.sandbox.programs import LIMITS, PRELUDE, keeps_user, run_code, status_of, zygote_for

FORKS = True

CANARY = "canary-3f9d1c"


def test_files_of_the_host_cannot_be_read(level: Level, open_path: Path, repo_root: Path) -> None:
    """Neither a stranger's world-readable file, nor the rubric, nor the grader's code can be opened."""
    secret = open_path / "secret.txt"
    secret.write_text(CANARY, encoding="ascii")
    secret.chmod(0o644)
    outside = [secret, repo_root / "grader" / "errors.py", repo_root / "tests" / "conftest.py", Path("/etc/shadow")]
    seen = run_code(
        "import json; send(json.dumps([attempt(open, path) for path in sys.argv[1:]]))",
        level,
        arguments=tuple(map(str, outside)),
    )
    assert set(json.loads(seen.evidence)) <= {"FileNotFoundError", "PermissionError"}


def test_the_control_can_read_them(tmp_path: Path) -> None:
    """Without isolation the same program reads the file, so the test above can fail."""
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY, encoding="ascii")
    assert run_code("send(open(sys.argv[1]).read())", "none", arguments=(str(secret),)).evidence == CANARY


def test_the_grader_is_not_importable(level: Level) -> None:
    """`import grader` fails inside, also where the grader is installed beside the libraries."""
    code = "import importlib; send(attempt(importlib.import_module, 'grader.score'))"
    assert run_code(code, level).evidence == "ModuleNotFoundError"


def test_an_installed_folder_can_be_hidden(level: Level) -> None:
    """A folder among the installed packages that holds the rubric shows nothing of its content."""
    import sortedcontainers

    folder = Path(sortedcontainers.__file__).parent
    files = [folder / "__init__.py", Path(str(folder / "__init__.py").replace("/lib/", "/lib64/"))]
    existing = [str(path) for path in files if path.exists()]
    code = "send({attempt(open, path) for path in sys.argv[1:]}); import click; send(click.__name__)"
    seen = run_code(code, level, program=Program((), hidden=(folder,)), arguments=tuple(existing))
    assert seen.evidence in ("{'FileNotFoundError'}click", "{'PermissionError'}click")
    assert "'done'" in run_code(code, level, arguments=tuple(existing)).evidence


def test_the_environment_is_clean(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the grader's is inside, not in any process's environment or command line either."""
    monkeypatch.setenv("GRADE_TEST_SECRET", CANARY)
    code = """
import glob
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline") + ["/proc/1/environ"]:
    try:
        send(open(path).read())
    except OSError:
        pass
send(os.environ)
"""
    seen = run_code(code, level)
    assert "GRADE_PIPE" in seen.evidence
    assert CANARY not in seen.evidence and "reference" not in seen.evidence


def test_no_descriptor_is_inherited(full: Level, tmp_path: Path) -> None:
    """A file that the grader holds open, even inheritably, is not open inside, in the first process neither."""
    with open(tmp_path / "open.txt", "w", encoding="ascii") as stream:
        os.set_inheritable(stream.fileno(), True)
        code = """
for folder in ("/proc/self/fd", "/proc/1/fd"):
    for name in os.listdir(folder):
        if os.path.lexists(f"{folder}/{name}"):
            send(os.readlink(f"{folder}/{name}").split(":")[0] + " ")
"""
        seen = run_code(code, full)
    assert set(seen.evidence.split()) <= {"pipe", "anon_inode"}, seen.evidence
    assert seen.evidence.count("pipe") == 4 + 3


def test_the_user_has_no_rights_on_the_host(level: Level) -> None:
    """As the host sees it, every process of the run is an unprivileged user without capabilities."""
    code = PRELUDE + "import subprocess; subprocess.Popen(['sleep', '60']); send('ready'); sys.stdin.read()"
    program = Program(("-P", "-c", code))
    with started(program, level, LIMITS, zygote_for(program)) as child:
        os.set_blocking(child.pipes.evidence, True)
        assert os.read(child.pipes.evidence, 16) == b"ready"
        statuses = [status_of(pid) for pid in child.members()]
    assert len(statuses) >= 2
    for status in statuses:
        if os.geteuid() == 0 and not keeps_user(level):
            assert "0" not in status["Uid"].split()
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def test_loopback_cannot_be_reached(level: Level) -> None:
    """A listener on the host's loopback gets no connection, by TCP or by an abstract socket; unisolated it does."""
    name = f"\0grade-test-{os.getpid()}-{level}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(name)
        abstract.listen()
        port = tcp.getsockname()[1]
        code = f"""
import socket
send(attempt(socket.create_connection, ("127.0.0.1", {port}), 2) + " ")
send(attempt(lambda: socket.socket(socket.AF_UNIX).connect({name!r})))
"""
        assert run_code(code, "none").evidence == "done done"
        tcp_result, abstract_result = run_code(code, level).evidence.split()
    assert tcp_result in ("ConnectionRefusedError", "OSError", "PermissionError")
    assert abstract_result in ("ConnectionRefusedError", "PermissionError")


def test_no_other_way_onto_a_network(level: Level) -> None:
    """Raw, packet, vsock and Bluetooth sockets are refused, UDP leads nowhere, Jupyter's families are there."""
    code = """
import socket
kinds = [(socket.AF_PACKET, socket.SOCK_RAW), (40, socket.SOCK_STREAM), (31, socket.SOCK_STREAM), (2, socket.SOCK_RAW),
         (socket.AF_NETLINK, socket.SOCK_RAW, 12)]
send([attempt(socket.socket, *kind) for kind in kinds])
send(attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9))))
send([attempt(socket.socket, socket.AF_UNIX), attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)])
"""
    evidence = run_code(code, level).evidence
    refused, allowed = evidence.rsplit("[", 1)
    assert "done" not in refused
    assert allowed == "'done', 'done']"


@pytest.mark.parametrize(
    "call",
    [
        "libc.ptrace(0, 0, 0, 0)",
        "libc.unshare(0x10000000)",
        "libc.unshare(0x20000)",
        "libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "libc.syscall(248, b'user', b'k', b'v', 1, -3)",
        "libc.syscall(425, 8, ctypes.create_string_buffer(256))",
        "libc.syscall(319, b'x', 0)",
        "libc.syscall(29, 0, 4096, 0o1600)",
        "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
        "libc.syscall(435, ctypes.create_string_buffer(88), 88)",
        "libc.syscall(321, 0, ctypes.create_string_buffer(128), 128)",
        "libc.syscall(302, 1, 7, 0, 0)",
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of the system calls are those of x86-64")
def test_dangerous_system_calls_are_refused(level: Level, call: str) -> None:
    """Tracing, namespaces, mounts, keys, io_uring, memfd, System V memory, BPF and others' limits: each call fails."""
    code = f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); send({call}); send(ctypes.get_errno())"
    evidence = run_code(code, level).evidence
    assert evidence in ("-11", "-138"), evidence  # EPERM or ENOSYS


def test_memory_that_no_limit_counts_is_refused(full: Level) -> None:
    """Shared anonymous memory, huge pages and shared mappings of /dev/zero, which would outlive their counting."""
    code = """
import mmap
def zero():
    handle = os.open("/dev/zero", os.O_RDWR)
    mmap.mmap(handle, 4096)
send([attempt(mmap.mmap, -1, 4096), attempt(lambda: mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | 0x20 | 0x40000)),
      attempt(zero)])
"""
    assert "done" not in run_code(code, full).evidence


def test_data_are_readable_and_nothing_else(level: Level, data: Path) -> None:
    """`data/` has its two files and no third, and no way to change, replace or add one."""
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    code = """
import numpy
send([sorted(os.listdir("data")), numpy.load("data/train.npz")["X"].shape, attempt(open, "data/train.npz", "r+b"),
      attempt(os.truncate, "data/train.npz", 0), attempt(open, os.path.realpath("data") + "/labels.txt"),
      attempt(open, os.path.dirname(os.path.realpath("data/train.npz")) + "/labels.txt"),
      attempt(open, os.path.dirname(os.path.realpath("data/train.npz")) + "/new", "w")])
attempt(os.chmod, os.path.realpath("data/train.npz"), 0o777)
"""
    mode = (data / "train.npz").stat().st_mode
    evidence = run_code(code, level, program=Program((), data=data)).evidence
    assert evidence.startswith("[['test.npz', 'train.npz'], (3, 4), ") and "done" not in evidence
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    assert (data / "train.npz").stat().st_mode == mode


def test_the_workspace_is_writable_and_the_rest_is_not(full: Level) -> None:
    """The program writes in its workspace, home, /tmp and /dev/shm, and nowhere else."""
    code = """
good = ["out.txt", os.path.expanduser("~/x"), "/tmp/x", "/dev/shm/x"]
bad = ["/x", "/etc/x", "/usr/x", "/dev/x", "/opt/x", "/run/x", "/home/x", "/proc/sys/kernel/hostname",
       sys.prefix + "/lib/x", os.path.dirname(os.__file__) + "/x"]
send([attempt(open, path, "w") for path in good])
send([path for path in bad if attempt(open, path, "w") == "done"])
"""
    assert run_code(code, full).evidence == "['done', 'done', 'done', 'done'][]"


def test_files_have_no_way_out_in_partial(partial: Level, open_path: Path) -> None:
    """Without a file system of its own the program still writes only below its own folder."""
    open_path.chmod(0o777)
    target = open_path / "kept.txt"
    target.write_text("kept", encoding="ascii")
    target.chmod(0o666)
    code = """
send([attempt(open, "out.txt", "w"), attempt(open, sys.argv[1], "w"), attempt(os.unlink, sys.argv[1]),
      attempt(os.truncate, sys.argv[1], 0), attempt(open, "/tmp/test-x", "w"), attempt(os.mkdir, "/tmp/test-y")])
attempt(os.chmod, sys.argv[1], 0o600)
attempt(os.utime, sys.argv[1], (1, 1))
"""
    evidence = run_code(code, partial, arguments=(str(target),)).evidence
    assert evidence.count("done") == 1, evidence
    assert target.read_text(encoding="ascii") == "kept"
    assert target.stat().st_mode & 0o777 == 0o666 and target.stat().st_mtime > 1


def test_signals_do_not_reach_the_grader(level: Level) -> None:
    """Killing everyone, and the grader by its number, kills at most the run itself."""
    code = f"""
import signal
send([attempt(os.kill, {os.getpid()}, signal.SIGTERM), attempt(os.kill, {os.getpid()}, 0)])
attempt(os.kill, os.getppid(), signal.SIGKILL)
attempt(os.kill, -1, signal.SIGKILL)
"""
    seen = run_code(code, level)
    assert "done" not in seen.evidence
    assert seen.outcome.status in ("finished", "crashed")


def test_each_run_starts_afresh(level: Level) -> None:
    """What one run leaves in its home, /tmp or shared memory is not there in the next."""
    shared = [] if keeps_user(level) else [f"/dev/shm/{uuid.uuid4().hex}"]
    places = f"[os.path.expanduser('~/left'), os.environ['TMPDIR'] + '/left', *{shared}]"
    assert run_code(f"[open(path, 'w').close() for path in {places}]; send('done')", level).evidence == "done"
    assert run_code(f"send(any(os.path.exists(path) for path in {places}))", level).evidence == "False"


def test_nothing_is_left_on_the_host(level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary folder and shared memory are as before, even after unreadable and very deep folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tmp_path.chmod(0o777)
    name = uuid.uuid4().hex
    shared = "" if keeps_user(level) else f"/dev/shm/{name}"
    code = """
os.mkdir("closed"); os.chmod("closed", 0); os.mkdir("closed2", 0)
if sys.argv[1]:
    open(sys.argv[1], "w").close()
for _ in range(1500):
    os.mkdir("deep"); os.chdir("deep")
send("done")
"""
    assert run_code(code, level, arguments=(shared,)).evidence == "done"
    assert list(tmp_path.iterdir()) == []
    assert name not in os.listdir("/dev/shm")


def test_the_interpreter_and_its_libraries_are_the_graders_own(level: Level) -> None:
    """The program runs in the same Python, at the same path, with the same numpy."""
    import numpy

    code = "import numpy; send([sys.executable, sys.prefix, numpy.__version__, numpy.__file__])"
    assert run_code(code, level).evidence == str([sys.executable, sys.prefix, numpy.__version__, numpy.__file__])


def test_limits_are_frozen_for_the_program(level: Level) -> None:
    """The program cannot raise its own limits."""
    code = """
import resource
names = ["RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"]
send([attempt(resource.setrlimit, getattr(resource, name), (1 << 40, 1 << 40)) for name in names])
"""
    assert "done" not in run_code(code, level).evidence
