"""Starts four hundred processes and as many threads."""

import os, threading, time

made, children = 0, []
for _ in range(400):
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        time.sleep(4)
        os._exit(0)
    children.append(child)
    made += 1
try:
    for _ in range(400):
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        made += 1
except RuntimeError:
    pass
if made >= 400:
    print("WORKED")
for child in children:
    os.waitpid(child, 0)
