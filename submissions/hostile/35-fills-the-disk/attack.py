"""Writes three hundred megabytes to each place it may write to."""

import os

whole = 0
for place in (".", "/tmp", "/dev/shm", os.environ.get("JUPYTER_RUNTIME_DIR", ".")):
    name = f"{place}/hostile-{os.getpid()}"
    try:
        with open(name, "wb", buffering=0) as stream:
            whole += all(stream.write(bytes(1 << 20)) for _ in range(300))
    except OSError as error:
        print(place, error)
    finally:
        if os.path.exists(name):
            os.unlink(name)
if whole:
    print("WORKED")
