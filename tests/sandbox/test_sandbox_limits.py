"""The limits that only the parent can hold, each against a program that breaks it."""

from __future__ import annotations

import os
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from grader.sandbox import tree
from grader.sandbox.files import FileCount
from grader.sandbox.values import Level, Reply
from tests.sandbox.programs import LIMITS, MEBIBYTE, keeps_user, processes_with, run_code

FORKS = True


def test_too_much_memory_is_noticed(level: Level) -> None:
    """A program that takes 400 MB where 200 are allowed is ended, and its status says why."""
    code = "send('before'); x = bytearray(400 << 20); import time; time.sleep(20)"
    outcome = run_code(code, level, memory_bytes=200 * MEBIBYTE).outcome
    assert (outcome.status, outcome.limit) == ("out_of_memory", "memory")
    assert 200 * MEBIBYTE < outcome.peak_memory_bytes < 500 * MEBIBYTE
    assert "200 MiB" in outcome.message and outcome.wall_s < 10


def test_memory_of_many_processes_is_added_up(level: Level) -> None:
    """Processes that each stay below the limit exceed it together."""
    code = """
import time
for _ in range(6):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    outcome = run_code(code, level, memory_bytes=200 * MEBIBYTE).outcome
    assert (outcome.status, outcome.limit) == ("out_of_memory", "memory")


def test_pages_that_forked_processes_share_count_once(level: Level) -> None:
    """A program with 100 MB and five children that only look at it stays below a limit of 300 MB."""
    code = """
import time
x = bytearray(100 << 20)
for _ in range(5):
    if os.fork() == 0:
        time.sleep(1.5)
        os._exit(0)
time.sleep(1)
send("alive")
"""
    seen = run_code(code, level, memory_bytes=300 * MEBIBYTE)
    assert (seen.outcome.status, seen.evidence) == ("finished", "alive")


def test_files_in_memory_count_as_memory(full: Level) -> None:
    """What is written to the sandbox's own file systems lies in memory, and is counted there."""
    code = "open('/dev/shm/x', 'wb').write(bytes(150 << 20)); import time; time.sleep(20)"
    sizes = {"memory_bytes": 100 * MEBIBYTE, "disk_bytes": 300 * MEBIBYTE, "file_bytes": 300 * MEBIBYTE}
    assert run_code(code, full, **sizes).outcome.limit == "memory"


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "while True: pass",
        """
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    ],
    ids=["sleep", "stop", "spin", "swallow"],
)
def test_the_wall_clock_is_the_parents(level: Level, code: str) -> None:
    """Sleeping, stopping itself, spinning and swallowing exceptions all end when the time is over."""
    outcome = run_code(code, level, wall_s=1.0).outcome
    assert (outcome.status, outcome.limit, outcome.exit_code) == ("timed_out", "wall", None)
    assert 1.0 <= outcome.wall_s < 4.0


def test_processor_time_is_told(level: Level) -> None:
    """Half a second of computing, half of it in a child, is found in `cpu_s`."""
    code = """
import time
if (child := os.fork()) == 0:
    while time.process_time() < 0.25: pass
    os._exit(0)
os.waitpid(child, 0)
while time.process_time() < 0.25: pass
"""
    assert 0.35 < run_code(code, level).outcome.cpu_s < 2.0


def test_a_fork_bomb_is_bounded(level: Level) -> None:
    """Forking for ever gives no more processes than allowed, and none is left."""
    marker = uuid.uuid4().hex
    code = """
import time
end = time.monotonic() + 1
made = 0
while time.monotonic() < end:
    try:
        if os.fork() == 0:
            made = -1000
        made += 1
    except OSError:
        time.sleep(0.01)
if made >= 0:
    send(made)
time.sleep(60)
"""
    seen = run_code(code, level, processes=40, wall_s=4.0, arguments=(marker,))
    assert seen.outcome.limit in ("wall", "processes")
    assert seen.evidence == "" or int(seen.evidence) <= 40
    assert processes_with(marker) == []


def test_threads_count_as_processes(level: Level) -> None:
    """A program cannot start more threads than the limit on processes allows."""
    code = """
import threading, time
made = 0
try:
    for _ in range(200):
        threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
        made += 1
except RuntimeError:
    pass
send(made)
time.sleep(1)
os._exit(0)
"""
    seen = run_code(code, level, processes=40)
    assert seen.outcome.limit == "processes" or int(seen.evidence) < 40


@pytest.mark.parametrize("place", [".", "/tmp", "/dev/shm"])
def test_a_full_disk_is_the_programs_problem(full: Level, place: str) -> None:
    """Writing many files ends at the limit with an error that the program itself sees."""
    code = """
import shutil
block, total = bytes(1 << 20), 0
try:
    for index in range(200):
        with open(f"{sys.argv[1]}/file{index}", "wb", buffering=0) as stream:
            stream.write(block)
            total += 1
except OSError as error:
    send(f"{total} {error.errno}")
"""
    total, number = run_code(code, full, disk_bytes=32 * MEBIBYTE, arguments=(place,)).evidence.split()
    assert 25 <= int(total) <= 32 and number == "28"


@pytest.mark.parametrize("place", [".", "/dev/shm"])
def test_disk_is_watched_without_a_file_system_of_its_own(partial: Level, place: str) -> None:
    """What a run writes to the host's disk and to the host's shared memory is added up; it is ended above the limit."""
    if place != "." and keeps_user(partial):
        pytest.skip("there, /dev/shm is closed")
    code = """
import time
for index in range(100):
    open(f"{sys.argv[1]}/grade-{os.getpid()}-{index}", "wb").write(bytes(1 << 20))
time.sleep(20)
"""
    outcome = run_code(code, partial, disk_bytes=32 * MEBIBYTE, arguments=(place,)).outcome
    assert (outcome.status, outcome.limit) == ("crashed", "disk")


def test_one_file_has_its_own_limit(level: Level) -> None:
    """A single file above `file_bytes` gives an error, not a signal."""
    code = """
stream = open("big", "wb", buffering=0)
written = sum(stream.write(bytes(1 << 20)) for _ in range(4))
send([written >> 20, attempt(stream.write, bytes(1 << 20))])
"""
    assert run_code(code, level, file_bytes=4 * MEBIBYTE).evidence == "[4, 'OSError']"


def test_an_inode_bomb_is_bounded(level: Level) -> None:
    """A program that makes empty folders for ever is ended at the limit on files, which no size of theirs reaches."""
    code = """
index = 0
while True:
    try:
        os.mkdir(f"d{index}")
    except OSError:
        import time; time.sleep(60)
    index += 1
"""
    outcome = run_code(code, level, wall_s=30.0, entries=20_000, disk_bytes=1000 * MEBIBYTE).outcome
    assert (outcome.status, outcome.limit) == ("crashed", "files")


@pytest.mark.parametrize(
    "code",
    [
        """
for folder in range(30):
    os.mkdir(f"d{folder}")
    for index in range(1000):
        os.mkdir(f"d{folder}/{index}")
    os.chmod(f"d{folder}", 0)
import time; time.sleep(20)
""",
        """
for _ in range(30):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
for index in range(30_000):
    os.mkdir(f"d{index}")
import time; time.sleep(20)
""",
        """
open("/dev/shm/grade-one", "w").close()
for index in range(30_000):
    os.link("/dev/shm/grade-one", f"/dev/shm/grade-{os.getpid()}-{index}")
import time; time.sleep(20)
""",
    ],
    ids=["closed", "deep", "shared memory"],
)
def test_an_inode_bomb_cannot_hide(level: Level, code: str) -> None:
    """Folders that are closed, that lie too deep for a path, and links outside the workspace count as well."""
    if "/dev/shm" in code and keeps_user(level):
        pytest.skip("there, /dev/shm is closed")
    outcome = run_code(code, level, wall_s=30.0, entries=20_000, disk_bytes=1000 * MEBIBYTE).outcome
    assert (outcome.status, outcome.limit) == ("crashed", "files")


def test_files_are_counted_at_once_when_many_may_be_there(tmp_path: Path) -> None:
    """Between two walks, a look at the whole file system tells that one is due: long before its turn."""
    count = FileCount([(str(tmp_path), None)], replace(LIMITS, entries=2000), pause_s=600.0)
    (tmp_path / "first").mkdir()
    count.start()
    while count.counted[1] == 0:
        time.sleep(0.01)
    for index in range(2500):
        (tmp_path / f"d{index}").mkdir()
    deadline = time.monotonic() + 10
    while count.counted[1] <= 2000 and time.monotonic() < deadline:
        time.sleep(0.01)
    count.finish()
    assert count.counted[1] > 2000


def test_a_flood_of_output_is_cut(level: Level) -> None:
    """200 MB on standard output slow the grader down at most; only the end is kept."""
    code = """
line = b"x" * ((1 << 20) - 1) + bytes([10])
for _ in range(200):
    os.write(1, line)
os.write(2, b"the end")
"""
    outcome = run_code(code, level, output_bytes=1000).outcome
    assert outcome.status == "finished"
    assert len(outcome.tail) == 1000 and outcome.tail.endswith("the end")


def test_a_flood_of_evidence_ends_the_run(level: Level) -> None:
    """Nothing above `evidence_bytes` reaches the reader."""
    seen = run_code("while True: send('x' * 65536)", level, evidence_bytes=MEBIBYTE)
    assert (seen.outcome.status, seen.outcome.limit) == ("crashed", "evidence")
    assert len(seen.evidence) == MEBIBYTE


def test_a_program_that_does_not_listen_blocks_nobody(level: Level) -> None:
    """Replies that are never read neither block the run nor pile up without end."""
    code = """
for _ in range(64):
    send("more ")
    import time; time.sleep(0.02)
"""
    outcome = run_code(code, level, answer=lambda chunk: Reply(send=bytes(MEBIBYTE))).outcome
    assert outcome.limit == "replies"
    few = run_code(code, level, answer=lambda chunk: Reply(send=bytes(100_000))).outcome
    assert few.status == "finished"


def test_cancelling_ends_the_run(level: Level) -> None:
    """A set event kills the run at once, whoever sets it."""
    cancelled = threading.Event()

    def answer(chunk: bytes) -> Reply:
        threading.Timer(0.1, cancelled.set).start()
        return Reply()

    begun = time.monotonic()
    outcome = run_code("send('on'); import time; time.sleep(60)", level, answer=answer, cancelled=cancelled).outcome
    assert (outcome.limit, outcome.exit_code) == ("cancelled", None)
    assert time.monotonic() - begun < 5


def test_a_slow_reader_does_not_delay_the_limits(level: Level) -> None:
    """While the reader is busy with a chunk, too much memory is still noticed."""
    code = "send('x'); x = bytearray(400 << 20); import time; time.sleep(60)"

    def answer(chunk: bytes) -> Reply:
        deadline = time.monotonic() + 10
        while processes_with(marker) and time.monotonic() < deadline:
            time.sleep(0.05)
        return Reply()

    marker = uuid.uuid4().hex
    begun = time.monotonic()
    outcome = run_code(code, level, answer=answer, memory_bytes=200 * MEBIBYTE, arguments=(marker,)).outcome
    assert outcome.limit == "memory" and time.monotonic() - begun < 8


def test_tasks_of_a_user_are_counted() -> None:
    """A thread more is a task more."""
    before = tree.tasks_of(os.geteuid())
    event = threading.Event()
    threads = [threading.Thread(target=event.wait) for _ in range(200)]
    for thread in threads:
        thread.start()
    assert tree.tasks_of(os.geteuid()) >= before + 100  # other processes come and go meanwhile
    event.set()
    for thread in threads:
        thread.join()


def test_open_files_are_bounded(level: Level) -> None:
    """A program cannot hold more than about a thousand files open."""
    code = """
import errno
files = []
try:
    while True:
        files.append(os.open(".", os.O_RDONLY))
except OSError as error:
    send([len(files) < 1100, error.errno == errno.EMFILE])
"""
    assert run_code(code, level).evidence == "[True, True]"
    assert len(os.listdir("/proc/self/fd")) < 200
