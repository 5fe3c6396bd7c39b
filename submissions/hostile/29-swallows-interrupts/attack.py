"""Swallows every exception in an endless loop."""

import time

end = time.monotonic() + 600
while time.monotonic() < end:
    try:
        time.sleep(1)
    except BaseException:
        pass
