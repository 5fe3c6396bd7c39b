"""Imports all that a run starts with, and leaves nothing else behind: what a process does before it is forked for runs.

Afterwards `recorder.runner` forks its kernel from itself.
"""

from __future__ import annotations

import contextlib
import importlib

RUN = (
    "asyncio",
    "nbclient",
    "nbformat.v4",
    "jupyter_client.asynchronous.client",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "recorder.kernel",
    "recorder.boot",
)
# What the kernel imports when it starts, as far as it does: its debugger above all.
LATER = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "ipykernel.debugger",
    "sqlite3",
    "tornado.platform.asyncio",
    "tornado.queues",
)
# What matplotlib stands on, as far as it is installed. Not matplotlib itself: when it is imported it reads settings,
# which may be the program's own.
PICTURES = (
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "contourpy",
    "cycler",
    "dateutil.rrule",
    "fontTools.agl",
    "kiwisolver",
    "numpy.ma",
    "numpy.typing",
    "packaging.version",
    "plistlib",
    "pyparsing",
)

for name in RUN:
    importlib.import_module(name)
for name in (*LATER, *PICTURES):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
