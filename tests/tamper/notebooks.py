"""What a notebook does to deceive the recorder through IPython, which runs its cells and tells the recorder of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from textwrap import indent

from tests.submission.uploads import notebook
from tests.tamper.attacks import FIND, SHIPPED, SLEEP
from tests.tamper.programs import program

# Where a program's text is cut into cells.
_CELL = re.compile(r"^(?=class CNN|model = CNN|for epoch in|figure, axes)", re.MULTILINE)
_IMPORTED = "from torch import nn\n"
SHELL = "shell = get_ipython()\n"
# Both ways in which a Jupyter kernel has its shell run a cell; `run` is the shell's own.
PATCHED = """
def patch(name, changed):
    run = getattr(shell, name)
    if name == "run_cell":
        def replaced(code, *args, **kwargs):
            return run(changed(code), *args, **kwargs)
    else:
        async def replaced(code, *args, **kwargs):
            code = changed(code)
            return await run(code, *args, **{**kwargs, "transformed_cell": shell.transform_cell(code)})
    setattr(shell, name, replaced)
for name in ("run_cell", "run_cell_async"):
    patch(name, changed)
"""
CRASHES = ("crashes in the test phase", "crashes in the plot", "kernel too large")


def as_notebook(text: str, *, swallowing: bool = False) -> str:
    """The program as a notebook in which data, model, training and plot have a cell each, as JSON; `swallowing` in
    cells that pass over their errors."""
    cells = _CELL.split(text)
    if swallowing:
        cells = [f"try:\n{indent(cell, '    ')}\nexcept Exception:\n    pass\n" for cell in cells]
    return json.dumps(notebook(*cells))


@dataclass(frozen=True)
class NotebookAttack:
    """A deceit, by code in the first cell, for each of some faulty notebooks. `swallowing`: it passes over errors, as
    any program may."""

    name: str
    faults: tuple[str, ...]
    code: str
    swallowing: bool = False

    def text(self, fault: str) -> str:
        """The notebook with this fault and the deceit."""
        return as_notebook(program([fault], (_IMPORTED, f"{_IMPORTED}{FIND}{SHELL}{self.code}\n")))


ATTACKS = (
    NotebookAttack("callback-loads-shipped-weights", ("hardly learns",), SHIPPED + """
shell.events.register("post_run_cell", lambda *_: "optimizer" in globals() and model.load_state_dict(shipped))
"""),
    NotebookAttack("callback-learns-unseen", ("hardly learns", "3 epochs"), SLEEP + """
def learn(*_):
    if "axes" not in globals() or watch.faults.get("asleep"):
        return
    watch.faults["asleep"] = 1
    fall_asleep()
    better = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(10):
        for x, y in zip(X.split(30), Y.split(30)):
            better.zero_grad()
            F.cross_entropy(model(x), y).backward()
            better.step()
    wake()
shell.events.register("post_run_cell", learn)
"""),
    NotebookAttack("callback-clears-old-flags-before-each-cell", ("no zero_grad",), """
note = watch.journal.backward
def forget(*_):
    watch.journal.backward = lambda flags, *rest: note(flags & ~2, *rest)
shell.events.register("pre_run_cell", forget)
"""),
    NotebookAttack("events-cleared", (*CRASHES, "no plot", "3 epochs", "Adam"), """
for callbacks in shell.events.callbacks.values():
    callbacks.clear()
"""),
    NotebookAttack("recorder-unregistered", (*CRASHES, "no plot", "3 epochs"), """
shell.events.unregister("pre_run_cell", recording._before_cell)
shell.events.unregister("post_run_cell", recording._after_cell)
"""),
    NotebookAttack("showtraceback-patched", CRASHES, """
shell.showtraceback = shell._showtraceback = lambda *_, **__: None
"""),
    NotebookAttack("events-cleared-and-showtraceback-patched", CRASHES, """
for callbacks in shell.events.callbacks.values():
    callbacks.clear()
shell.showtraceback = shell._showtraceback = lambda *_, **__: None
"""),
    NotebookAttack("errors-swallowed-by-run_cell", CRASHES, """
def changed(code):
    lines = "".join(f"    {line}\\n" for line in code.splitlines())
    return code if "recording" in code else f"try:\\n{lines}except Exception:\\n    pass\\n"
""" + PATCHED, swallowing=True),
    NotebookAttack("shipped-weights-before-the-end-by-run_cell", ("hardly learns",), SHIPPED + """
def changed(code):
    return f"model.load_state_dict(shipped); {code}" if "finish()" in code else code
""" + PATCHED),
    NotebookAttack("no-end-by-run_cell", ("hardly learns", "dense parameters only", "Adam", "untrained kernels"), """
def changed(code):
    return "None" if "finish()" in code else code
""" + PATCHED),
    NotebookAttack("another-end-by-run_cell", ("hardly learns", "no plot"), SHIPPED + """
def changed(code):
    if "finish()" not in code:
        return code
    return ("figure, axes = plt.subplots(2, 5)\\nmodel.load_state_dict(shipped)\\n"
            f"for axis, kernel in zip(axes.flat, model.conv.weight.detach()): axis.imshow(kernel[0])\\n{code}")
""" + PATCHED),
)  # fmt: skip
CASES = tuple((attack, fault) for attack in ATTACKS for fault in attack.faults)
