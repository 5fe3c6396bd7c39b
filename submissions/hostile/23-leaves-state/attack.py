"""Leaves files for the next run, and looks for those of an earlier one."""

import json, os
bait = json.load(open("bait.json")) if os.path.exists("bait.json") else {}

name = bait.get("nonce", "none")
places = ["/dev/shm", "/tmp", "/var/tmp", os.path.expanduser("~"), os.path.expanduser("~/.cache")]
if any(os.path.exists(f"{place}/{name}") for place in places):
    print("WORKED")
for place in places:
    try:
        os.makedirs(place, exist_ok=True)
        open(f"{place}/{name}", "w").close()
    except OSError:
        pass
