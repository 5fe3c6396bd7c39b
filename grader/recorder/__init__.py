"""Runs beside the student's code in the sandbox, watches torch and sends evidence out.

Nothing here is trusted: the process it lives in belongs to the student. It judges nothing either; it only says what
happened, and the trusted side recomputes whatever carries marks. Imports: standard library, torch, numpy, IPython,
ipykernel, nbclient.
"""

RECORDER_VERSION = 22
