"""The Jupyter kernel in which the student's cells run: seeds, taps, then IPython's own kernel."""

from __future__ import annotations

import builtins
import gc
import json
import os
import random
import sys
from typing import Any, NoReturn

import numpy as np
import torch

from . import RECORDER_VERSION, dynamo, figures, finish, journal, loop, profiler, script, shared, taps
from .place import Places, leading_empty_lines
from .trace import Trace
from .watch import Watch
from .wire import Wire


class Recording:
    """All that the recorder keeps in the student's process."""

    def __init__(self, config: dict[str, Any], fd: int):
        self.config = config
        self.wire = Wire(fd)
        self.places = Places(config["workspace"], config["entry"])
        self.watch = Watch(self.wire, self.places, int(config["classes"]))
        self.cell = 0
        self._finished = False
        self._failed = False
        self._shares = not shared.is_closed()

    def start(self) -> None:
        torch.set_num_threads(1)
        dynamo.postpone(Trace)
        profiler.spare_labels()
        if not self._shares:
            shared.spare_workers()
        taps.install(self.watch)
        figures.Figures(self.watch).install()
        _redirect_data(self)
        self.wire.send({"kind": "hello", "version": RECORDER_VERSION, "torch": torch.__version__})

    def attach(self, shell: Any) -> None:
        """The last thing before the student's first cell: whatever drew random numbers before does not matter."""
        seed = int(self.config["seed"])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        for name in ("exit", "quit"):
            shell.user_ns[name] = _leave
        # What torch and the kernel are made of is no garbage: no collection need walk over it.
        gc.freeze()
        gc.enable()
        shell.events.register("pre_run_cell", self._before_cell)
        shell.events.register("post_run_cell", self._after_cell)

    def _before_cell(self, info: Any) -> None:
        if not info.silent and info.store_history:
            from IPython import get_ipython

            self.cell += 1
            shell = get_ipython()
            source = shell.transform_cell(info.raw_cell)
            filename = shell.compile.get_code_name(info.raw_cell, source, self.cell)
            self.places.add_cell(filename, self.cell, info.raw_cell)
            self.watch.journal.add(journal.CELL, who=self.cell)

    def _after_cell(self, result: Any) -> None:
        if result.info is None or result.info.silent or not result.info.store_history:
            return
        self.watch.at_cell_end()
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return
        self._failed = True
        place = self.places.of_traceback(error.__traceback__)
        if isinstance(error, SyntaxError) and error.lineno and place is None:
            line = error.lineno + leading_empty_lines(result.info.raw_cell)
            place = {"file": self.config["entry"], "cell": self.cell, "line": line}
        self._send_error(error, place)

    def _send_error(self, error: BaseException, place: dict[str, Any] | None) -> None:
        told = {"kind": "error", "cell": self.cell, "type": type(error).__name__, "text": str(error)[:500], "at": place}
        wanted = not self._shares and shared.is_wanted(error)
        self.wire.send({**told, "no_shared_memory": True} if wanted else told)

    def run_script(self) -> None:
        script.run(self.config["entry"], sys.modules["__main__"].__dict__)

    def finish(self) -> None:
        """Sends the final state; a program that trained nothing gets the reference loop first."""
        if self._finished:
            return
        self._finished = True
        namespace = sys.modules["__main__"].__dict__
        only_defines = not self._failed and not self.watch.journal.count_of_training
        if self.config["entry_kind"] == "module" and only_defines:
            self._train_with_reference_loop(namespace)
        self.watch.at_cell_end()
        try:
            finish.send_state(self.watch, namespace)
        except Exception as error:  # noqa: BLE001 - the student's objects; what was sent before still counts
            self.watch.fault("state", error)

    def _train_with_reference_loop(self, namespace: dict[str, Any]) -> None:
        model = loop.find_model(namespace)
        if model is None:
            return
        self.wire.send({"kind": "reference-loop"})
        try:
            loop.train(model, os.path.join(self.config["workspace"], "data"), self.config["reference_loop"])
        except Exception as error:  # noqa: BLE001 - the student's model
            self._send_error(error, self.places.of_traceback(error.__traceback__))

    def answer(self, path: str) -> None:
        """Answers the probe images in the file at `path`, a raw float32 array (N, 784)."""
        images = np.fromfile(path, dtype=np.float32).reshape(-1, 784)
        finish.answer_probes(self.watch, images)


recording: Recording | None = None


def _no_input(prompt: str = "", password: bool = False) -> NoReturn:
    raise EOFError("input() has nobody to ask: the notebook is run unattended")


def _leave(code: object = None) -> NoReturn:
    """`exit()` ends its cell, as it would end a script; the cells after it are run all the same."""
    raise SystemExit(code)


def _redirect_data(recorded: Recording) -> None:
    """`np.load` of a path that does not exist here, but ends in the name of a data file, opens the staged one."""
    original = np.load
    data = os.path.join(recorded.config["workspace"], "data")

    def load(file: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, (str, os.PathLike)):
            name = os.path.basename(os.fspath(file).replace("\\", "/"))
            staged = os.path.join(data, name)
            redirected = not os.path.exists(file) and os.path.exists(staged)
            place = recorded.places.here(2)
            if place is not None:
                recorded.wire.send({"kind": "load", "name": name, "redirected": redirected, "at": place})
            if redirected:
                file = staged
        return original(file, *args, **kwargs)

    np.load = load


def main() -> None:
    """Starts the kernel on the connection file of the command line (`-f`), with GRADE_CONFIG and GRADE_INNER_PIPE set,
    and turns the garbage collection on."""
    global recording
    with open(os.environ["GRADE_CONFIG"], encoding="utf-8") as file:
        config = json.load(file)
    recording = Recording(config, int(os.environ.pop("GRADE_INNER_PIPE")))
    recording.start()
    sys.path.insert(0, config["workspace"])

    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPythonKernel):
        def raw_input(self, prompt: str = "") -> str:
            _no_input(prompt)

        def getpass(self, prompt: str = "", *_: Any, **__: Any) -> str:
            _no_input(prompt)

    application = IPKernelApp.instance(kernel_class=Kernel)
    application.initialize(sys.argv[1:])
    builtins.input = _no_input  # type: ignore[assignment]
    recording.attach(application.kernel.shell)
    application.start()
