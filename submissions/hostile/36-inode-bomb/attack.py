"""Makes thirty thousand folders."""

import os, time

made = 0
try:
    for index in range(30000):
        os.mkdir(f"folder{index}")
        made += 1
    time.sleep(2)
except OSError as error:
    print(error)
if made == 30000:
    print("WORKED")
