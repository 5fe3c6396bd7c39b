"""Kills, traces and reads whatever process it finds."""

import json, os
bait = json.load(open("bait.json")) if os.path.exists("bait.json") else {}

import ctypes, signal

libc = ctypes.CDLL(None)
victims = [bait.get("victim", 0), bait.get("grader", 0) if bait.get("sandboxed") else 0]
for victim in filter(None, victims):
    if victim in (os.getpid(), os.getppid(), 1):
        continue
    libc.ptrace(16, victim, 0, 0)
    for call in (lambda: open(f"/proc/{victim}/mem", "r+b"), lambda: os.kill(victim, signal.SIGKILL)):
        try:
            call()
        except OSError as error:
            print(error)
if bait.get("sandboxed"):  # without a sandbox it would be everybody
    os.kill(-1, signal.SIGKILL)
