"""Leaves a daemon behind that has left its session."""

import json, os
bait = json.load(open("bait.json")) if os.path.exists("bait.json") else {}


if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        os.execv("/bin/sh", ["sh", "-c", "sleep 30 # " + bait.get("nonce", "hostile")])
    os._exit(0)
os.wait()
