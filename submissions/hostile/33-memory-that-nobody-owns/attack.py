"""Takes memory through memfd, System V and shared mappings."""

import ctypes, mmap, os

taken = 0
try:
    handle = os.memfd_create("x")
    for _ in range(500):
        taken += os.write(handle, bytes(1 << 20))
except OSError as error:
    print(error)
libc = ctypes.CDLL(None)
if libc.shmget(0, 1 << 20, 0o1600) >= 0:
    print("System V")
try:
    mmap.mmap(-1, 500 << 20)
except (OSError, ValueError) as error:
    print(error)
if taken >= 500 << 20:
    print("WORKED")
