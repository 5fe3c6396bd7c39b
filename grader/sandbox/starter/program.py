"""A process that goes on as `python ARGUMENTS` would, without starting Python anew."""

from __future__ import annotations

import atexit
import gc
import os
import runpy
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import NoReturn

SAFE_PATH = "-P"
FAILED = 1


def run(argv: list[str]) -> NoReturn:
    """Runs `argv`, an interpreter with `-P` and then `-m MODULE` or `-c CODE` and their arguments, and ends with it."""
    _, *words = argv
    if words[:1] == [SAFE_PATH]:
        words = words[1:]
    else:
        sys.path.insert(0, "")
    way, what, *rest = words

    def main() -> None:
        gc.enable()
        if way == "-m":
            sys.argv = [what, *rest]
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [way, *rest]
            sys.modules["__main__"] = module = types.ModuleType("__main__")
            exec(compile(what, "<string>", "exec", dont_inherit=True), vars(module))  # noqa: S102

    _end(main)


def _end(main: Callable[[], None]) -> NoReturn:
    """Ends the process as the interpreter does after `main`: threads awaited, exit functions called, output written.

    Else what it was forked from would go on in it.
    """
    code = 0
    try:
        main()
    except SystemExit as error:
        code = _code(error)
    except BaseException:  # noqa: BLE001 - told as the interpreter tells it
        traceback.print_exc()
        code = FAILED
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return FAILED
