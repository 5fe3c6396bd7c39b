"""The first program in the sandbox: starts the Jupyter kernel, has the cells run, passes the evidence on.

Control comes in on standard input: the probe images, once the student's code has ended. Evidence leaves through one
pipe, of which this process is the only writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import struct
import sys
import tempfile
import threading
import time
from queue import Empty
from typing import Any

from .launch import Kernel, fork_kernel, start_kernel, write_connection
from .output import OutputCap
from .wire import Wire, read_frame

START_SECONDS = 120
TELL_SECONDS = 0.2
PRELOADED = "recorder.preload"


def pump(inlet: int, wire: Wire) -> None:
    """Passes whole frames from the kernel on; a broken one ends it."""
    while (frame := read_frame(inlet)) is not None:
        wire.send_raw(frame)


class Conversation:
    """nbclient's client on a kernel that is already starting."""

    def __init__(self, config: dict[str, Any], wire: Wire, inner: Wire, kernel: Kernel, connection: str):
        self._config = config
        self._wire = wire
        self._inner = inner
        self._kernel = kernel
        self._connection = connection
        self._cell = 0
        self._error: dict[str, str] | None = None
        self._cap = OutputCap(config["output_bytes"])
        self._untold: list[str] = []
        self._telling: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        import nbformat
        from jupyter_client.asynchronous.client import AsyncKernelClient
        from nbclient import NotebookClient

        notebook = self._notebook(nbformat)
        tell, cap = self._tell, self._cap

        class Listening(NotebookClient):
            def output(self, outs: Any, message: Any, display_id: Any, cell_index: Any) -> Any:
                if not cap.admits(message):
                    return None
                made = super().output(outs, message, display_id, cell_index)
                tell(message)
                return made

        client = Listening(
            notebook, timeout=None, allow_errors=True, store_widget_state=False, on_cell_executed=self._replied
        )
        kernel = self._kernel

        class Client(AsyncKernelClient):
            async def is_alive(self) -> bool:
                return kernel.poll() is None

        talker = Client(connection_file=self._connection)
        talker.load_connection_file()
        await self._sockets()
        talker.start_channels()
        try:
            await self._greet(talker)
            client.kc = talker
            client.reset_execution_trackers()
            await self._run_cells(client, notebook)
            # Through the kernel's own pipe, as below: what a picture shows afterwards was drawn by none of the cells.
            self._inner.send({"kind": "ended"})
            await self._execute(talker, "finish()")
            await self._answer_probes(talker)
            # It arrives behind everything that the kernel has sent.
            self._inner.send({"kind": "done"})
        finally:
            with contextlib.suppress(Exception):
                talker.stop_channels()

    def _notebook(self, nbformat: Any) -> Any:
        if self._config["entry_kind"] == "notebook":
            return nbformat.read(os.path.join(self._config["workspace"], self._config["entry"]), as_version=4)
        call = "__import__('sys').modules['recorder.kernel'].recording.run_script()"
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(call)])

    async def _sockets(self) -> None:
        """Waits until the kernel listens: a client that knocks earlier comes back only after zmq's 100 ms."""
        folder = os.path.dirname(self._connection)
        end = time.monotonic() + START_SECONDS
        while not all(os.path.exists(os.path.join(folder, f"k-{port}")) for port in (1, 2, 4)):
            if self._kernel.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the Jupyter kernel did not start")
            await asyncio.sleep(0.005)

    async def _greet(self, talker: Any) -> None:
        """Until a reply and an idle status have come back, so that no output of the first cell is lost."""
        end = time.monotonic() + START_SECONDS
        while self._kernel.poll() is None and time.monotonic() < end:
            message = talker.kernel_info()
            try:
                await talker.get_shell_msg(timeout=2)
                while True:
                    status = await talker.get_iopub_msg(timeout=0.3)
                    idle = status["content"].get("execution_state") == "idle"
                    if idle and status["parent_header"].get("msg_id") == message:
                        return
            except Empty:
                continue
        raise RuntimeError("the Jupyter kernel did not answer")

    async def _run_cells(self, client: Any, notebook: Any) -> None:
        from nbclient.exceptions import DeadKernelError

        number = 0
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            number += 1
            started = time.monotonic()
            self._cell = number
            self._cap.begin()
            self._error = None
            self._wire.send({"kind": "cell-start", "cell": number, "index": index})
            try:
                await client.async_execute_cell(cell, index)
            except DeadKernelError:
                self._send_cell(number, index, cell, started, died=True)
                raise
            self._send_cell(number, index, cell, started, died=False)

    def _replied(self, execute_reply: Any, **_: Any) -> None:
        """The kernel's own word on how a cell ended, which the notebook's hooks and outputs need not know of."""
        content = execute_reply["content"] if execute_reply else {}
        if content.get("status") == "error":
            self._error = {"type": str(content.get("ename"))[:200], "text": str(content.get("evalue"))[:500]}

    def _tell(self, message: Any) -> None:
        """Text is sent as it is printed, a few times a second: a run may be cut off in the middle of a cell."""
        if message["msg_type"] != "stream":
            return
        self._untold.append(str(message["content"].get("text", "")))
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell_now)

    def _tell_now(self) -> None:
        text, self._untold, self._telling = "".join(self._untold), [], None
        if text:
            self._wire.send({"kind": "output", "cell": self._cell, "text": text})

    def _send_cell(self, number: int, index: int, cell: Any, started: float, *, died: bool) -> None:
        # The whole cell follows: what it printed last need not be told by itself, least of all as the next cell's.
        self._untold.clear()
        outputs = [*cell.get("outputs", []), *self._cap.rest()]
        failed = any(output.get("output_type") == "error" for output in outputs)
        self._wire.send(
            {
                "kind": "cell",
                "cell": number,
                "index": index,
                "outputs": outputs,
                "failed": failed or died or self._error is not None,
                "error": self._error,
                "died": died,
                "cut": self._cap.cut,
                "wall_s": time.monotonic() - started,
            }
        )

    async def _execute(self, talker: Any, call: str) -> None:
        """Has the recorder in the kernel do something; its reply is awaited as long as the kernel lives."""
        code = f"__import__('sys').modules['recorder.kernel'].recording.{call}"
        message = talker.execute(code, silent=True, store_history=False)
        while self._kernel.poll() is None:
            try:
                reply = await talker.get_shell_msg(timeout=1)
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == message:
                return

    async def _answer_probes(self, talker: Any) -> None:
        """Reads the probe images from standard input: a length in bytes, then float32 values."""
        prefix = sys.stdin.buffer.read(8)
        if len(prefix) < 8:
            return
        payload = sys.stdin.buffer.read(struct.unpack(">Q", prefix)[0])
        with tempfile.NamedTemporaryFile(suffix=".probe") as file:
            file.write(payload)
            file.flush()
            await self._execute(talker, f"answer({file.name!r})")


def main() -> None:
    """`python -m recorder.runner`, with GRADE_PIPE and GRADE_CONFIG set."""
    wire = Wire(int(os.environ.pop("GRADE_PIPE")))
    with open(os.environ["GRADE_CONFIG"], encoding="utf-8") as file:
        config = json.load(file)
    os.chdir(config["workspace"])
    inlet, outlet = os.pipe()
    folder = tempfile.mkdtemp(prefix="kernel-")
    connection = write_connection(folder)
    kernel = fork_kernel(connection, outlet) if PRELOADED in sys.modules else start_kernel(connection, outlet)
    if kernel is None:
        from . import boot

        boot.main()
        return
    passing = threading.Thread(target=pump, args=(inlet, wire), daemon=True)
    passing.start()
    try:
        asyncio.run(Conversation(config, wire, Wire(outlet), kernel, connection).run())
    except Exception as error:  # noqa: BLE001 - the parent decides what it means
        code = kernel.poll()
        wire.send({"kind": "broken", "text": f"{type(error).__name__}: {error}"[:500], "kernel_exit": code})
    finally:
        kernel.kill()
        os.close(outlet)
        passing.join(timeout=5)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
