"""Takes a gigabyte and a half."""

import time

block = bytes(1 << 20)
taken = bytearray()
for _ in range(1500):
    taken += block
print("WORKED")
time.sleep(1)
