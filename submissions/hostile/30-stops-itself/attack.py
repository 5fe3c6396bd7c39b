"""Stops itself and its parent."""

import os, signal, time

if os.path.exists("bait.json") and "get_ipython" in globals():
    os.kill(os.getppid(), signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(600)
