"""Ends its own process with exit code 0."""

import os

os._exit(0)
