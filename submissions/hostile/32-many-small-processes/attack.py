"""Takes more than a gigabyte in eight processes."""

import os, time

children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        taken = bytearray(os.urandom(1 << 20) * 160)
        time.sleep(3)
        os._exit(0)
    children.append(child)
if all(os.waitpid(child, 0)[1] == 0 for child in children):
    print("WORKED")
