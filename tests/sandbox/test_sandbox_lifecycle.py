"""From start to end: what goes in and out, how an end is told, and that nothing survives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.errors import IsolationError, SubmissionRejected
from grader.sandbox.launch import started
from grader.sandbox.run import execute
from grader.sandbox.values import Level, Program, Reply
from tests.sandbox.programs import LIMITS, processes_with, run_code, zygote_for

FORKS = True


def gone(marker: str, within_s: float = 0.0) -> bool:
    """Whether no process with `marker` in its command line lives, or will `within_s` from now."""
    deadline = time.monotonic() + within_s
    while processes_with(marker):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def test_chunks_and_replies_go_through(level: Level) -> None:
    """What the parent answers to one piece of evidence is there on standard input for the next, large ones too."""
    code = """
send("a")
for size in (1, 1000, 300_000):
    data = sys.stdin.buffer.read(size)
    send(f"{len(data)}{chr(data[-1])}")
"""
    replies = iter([b"x", b"y" * 1000, b"z" * 300_000])
    answered = []

    def answer(chunk: bytes) -> Reply:
        answered.append(chunk)
        return Reply(send=next(replies, b""))

    seen = run_code(code, level, answer=answer)
    assert answered == [b"a", b"1x", b"1000y", b"300000z"]
    assert (seen.outcome.status, seen.outcome.exit_code, seen.outcome.isolation) == ("finished", 0, level)


def test_stop_ends_the_run(level: Level) -> None:
    """The reader's "stop" is the normal end; nothing after it is delivered."""
    seen = run_code("while True: send('x' * 100)", level, answer=lambda chunk: Reply(stop=True))
    assert (seen.outcome.status, seen.outcome.limit, seen.outcome.exit_code) == ("stopped", None, None)


def test_evidence_sent_just_before_the_end_arrives(level: Level) -> None:
    """Half a megabyte that a program writes as its last act is delivered in full."""
    assert len(run_code("send('x' * 500_000); os._exit(0)", level).evidence) == 500_000


REWRITE = """
import ctypes, time
memory = ctypes.create_string_buffer(8192)
page = -ctypes.addressof(memory) % 4096 + ctypes.addressof(memory)
ctypes.memset(page, ord("a"), 4096)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
vector = Vector(page, 4096)
send("x")
time.sleep(0.2)  # that byte is read alone, and its reader is busy when the page comes
sent = ctypes.CDLL(None, use_errno=True).vmsplice(int(os.environ["GRADE_PIPE"]), ctypes.byref(vector), 1, 0)
if sent != 4096:
    send(f"vmsplice: {os.strerror(ctypes.get_errno())}")
"""


def test_what_was_read_cannot_be_rewritten(level: Level) -> None:
    """A program that shares its own memory with the pipe changes what it has sent as long as nobody has read it (the
    control), and not afterwards: the grader reads each byte once, and has a copy.
    """

    def slow(chunk: bytes) -> Reply:
        time.sleep(0.5)
        return Reply()

    changed = "ctypes.memset(page, ord('b'), 4096)\n"
    unread = run_code(REWRITE + changed + "import time; time.sleep(2)", level, answer=slow).evidence
    assert unread == "x" + "b" * 4096

    def acknowledge(chunk: bytes) -> Reply:
        return Reply(send=b"+" if chunk.endswith(b"a") else b"")

    read_before = run_code(REWRITE + "sys.stdin.read(1)\n" + changed, level, answer=acknowledge).evidence
    assert read_before == "x" + "a" * 4096


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("sys.exit(0)", "finished", 0),
        ("os._exit(3)", "crashed", 3),
        ("os.kill(os.getpid(), 9)", "crashed", 137),
        ("os.kill(os.getpid(), 11)", "crashed", 139),
        ("raise ValueError", "crashed", 1),
    ],
)
def test_how_a_program_ended_is_told(level: Level, code: str, status: str, exit_code: int) -> None:
    """Exit codes and signals reach the outcome, signals as 128 + N."""
    outcome = run_code(code, level).outcome
    assert (outcome.status, outcome.exit_code) == (status, exit_code)
    if exit_code == 139:
        assert "SIGSEGV" in outcome.message
    if code.startswith("raise"):
        assert outcome.tail.rstrip().endswith("ValueError")


def test_a_daemon_dies_with_the_run(level: Level) -> None:
    """A process that forked twice, left its session and closed its files is dead when the run has ended."""
    marker = uuid.uuid4().hex
    code = """
import subprocess, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        os.chdir("/")
        os.execv("/bin/sh", ["sh", "-c", "sleep 300 # " + sys.argv[1]])
    os._exit(0)
time.sleep(0.3)
"""
    assert run_code(code, level, arguments=(marker,)).outcome.status == "finished"
    assert gone(marker)


def test_everything_dies_when_the_run_is_killed(level: Level) -> None:
    """Forty processes, each in a session of its own, are gone when the time is over."""
    marker = uuid.uuid4().hex
    code = """
import time
for _ in range(40):
    if os.fork() == 0:
        os.setsid()
        os.fork()
        time.sleep(300)
time.sleep(300)
"""
    outcome = run_code(code, level, arguments=(marker,), wall_s=2.0).outcome
    assert outcome.limit == "wall"
    assert gone(marker)


def test_an_error_of_the_reader_ends_the_run(level: Level) -> None:
    """An exception in `on_chunk` reaches the caller, and the run is dead by then."""
    marker = uuid.uuid4().hex

    def answer(chunk: bytes) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_code("send('x'); import time; time.sleep(300)", level, answer=answer, arguments=(marker,))
    assert gone(marker)


def test_a_killed_grader_leaves_no_orphan(level: Level, repo_root: Path, tmp_path: Path) -> None:
    """SIGKILL of the grader's own process ends the run that it had started, and removes its files."""
    marker = uuid.uuid4().hex
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    script = f"""
import sys
sys.path.insert(0, {str(repo_root)!r})
from grader.sandbox import Reply
from tests.sandbox.programs import run_code
def answer(chunk):
    print("on", flush=True)
    return Reply()
run_code("import time; send('x'); time.sleep(300)", {level!r}, answer=answer, arguments=({marker!r},))
"""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as grader:
        assert grader.stdout is not None and grader.stdout.readline() == b"on\n"
        assert len(processes_with(marker)) > 1
        grader.send_signal(signal.SIGKILL)
    assert gone(marker, within_s=5.0)
    deadline = time.monotonic() + 5.0
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(temporary.iterdir()) == []


def test_ctrl_c_does_not_reach_the_run(level: Level) -> None:
    """The run is not in the grader's process group, so that the grader decides what an interrupt means."""
    program = Program(("-P", "-c", "import time; time.sleep(60)"))
    with started(program, level, LIMITS, zygote_for(program)) as child:
        assert all(os.getpgid(pid) != os.getpgid(0) for pid in (child.process.pid, *child.members()))


def test_runs_in_parallel_do_not_mix(level: Level) -> None:
    """Four runs at once from threads of one process each get their own replies and files."""

    def one(index: int) -> str:
        code = "open('mine', 'w').write(sys.argv[1]); import time; time.sleep(0.2); send(open('mine').read())"
        return run_code(code, level, arguments=(str(index),)).evidence

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == ["0", "1", "2", "3"]


def test_no_descriptor_is_lost(level: Level) -> None:
    """Runs, failed starts included, leave the grader with as many open files as before."""
    run_code("pass", level)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        run_code("pass", level)
        with pytest.raises(SubmissionRejected):
            run_code("pass", level, program=Program((), files={"../x": b""}))
        with pytest.raises(IsolationError):
            run_code("pass", level, program=Program((), data=Path("/nonexistent")))
    assert len(os.listdir("/proc/self/fd")) == before


def test_files_are_staged_with_their_content(level: Level) -> None:
    """Names with spaces, dashes, newlines and folders arrive, with every byte, and can be changed."""
    files = {"a b.txt": b"1", "--x": b"2", "deep/er/n\new": bytes(range(256)) * 5000, "empty": b""}
    code = """
import hashlib, json
found = {}
for folder, _, names in os.walk("."):
    for name in names:
        path = os.path.relpath(os.path.join(folder, name))
        found[path] = hashlib.sha256(open(path, "rb").read()).hexdigest()
        open(path, "ab").write(b"more")
send(json.dumps(found))
"""
    import hashlib

    evidence = run_code(code, level, program=Program((), files=files)).evidence
    assert json.loads(evidence) == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


@pytest.mark.parametrize("name", ["../outside", "/etc/x", "a/../../b", ""])
def test_names_that_leave_the_workspace_are_rejected(name: str) -> None:
    """Such a name is refused before anything starts, at every level."""
    with pytest.raises(SubmissionRejected):
        execute(Program(("-c", "pass"), files={name: b""}), "none", LIMITS, lambda chunk: Reply())


def test_a_program_that_cannot_start_is_the_graders_failure(level: Level) -> None:
    """Where the sandbox cannot be set up the error says so, and no outcome blames the student."""
    with pytest.raises(IsolationError):
        run_code("pass", level, program=Program((), recorder=Path("/nonexistent"), data=Path("/nonexistent")))
