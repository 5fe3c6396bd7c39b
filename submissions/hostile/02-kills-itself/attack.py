"""Dies of a segmentation fault."""

import os

os.kill(os.getpid(), 11)
