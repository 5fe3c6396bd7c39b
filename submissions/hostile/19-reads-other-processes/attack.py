"""Reads environments and command lines of all processes."""

import glob

for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        text = open(path, errors="replace").read()
    except OSError:
        continue
    if "canary-" in text:
        print(text)
