"""Writes three hundred megabytes to one place after another, no file too large, until one takes them."""

import os, time

for place in ("/dev/shm", ".", "/tmp", os.environ.get("JUPYTER_RUNTIME_DIR", ".")):
    names, written = [f"{place}/hostile-{os.getpid()}-{number}" for number in range(6)], 0
    try:
        for name in names:
            with open(name, "wb", buffering=0) as stream:
                written += sum(stream.write(bytes(1 << 20)) for _ in range(50))
        time.sleep(2)
    except OSError as error:
        print(place, error)
    finally:
        for name in filter(os.path.exists, names):
            os.unlink(name)
    if written == 300 << 20:
        print("WORKED")
        break
