"""Findings about the run as a whole: whether the program got from its first line to its last."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class CellError(FindingKind):
    """A cell or the program stopped with an error.

    **What it is.** Your work was run from top to bottom in a fresh Python, and a line raised an exception. The rest
    of that cell did not run; the cells after it did, with whatever was defined by then. A script ends at the error.

    **Why it matters.** What never ran cannot be graded, and a name that was never set causes further errors below.
    Mend the first error first: the later ones are often its echo.

    **How to see it.** Choose "Restart Kernel and Run All Cells" and read the last line of the traceback. Most errors
    here are about shapes and types (one-hot targets without `.float()`, images that are not (N, 1, 28, 28), `nn.ReLU`
    without its parentheses), so print these just before the line that fails:
    ```python
    X, Y = train_X[:30], train_Y[:30]
    print(X.shape, X.dtype, Y.shape, Y.dtype)
    ```

    **What to read.** Python tutorial, Errors and Exceptions: <https://docs.python.org/3/tutorial/errors.html>
    """

    id = "run.cell-error"
    question = "run"
    severity = "fault"
    hint = "Restart the Jupyter kernel, run all cells, and mend the first error that appears."
    rows = ("A6", "B11", "B12", "C1", "D5", "D6", "E1", "F3", "F4", "F14", "F15", "G9", "I6")


class UndefinedName(FindingKind):
    """A name is used that nothing above it defines.

    **What it is.** In a fresh Python a line raised `NameError`: the name is misspelt, is defined further down, or was
    defined in a cell that has since been deleted and lives on in your Jupyter kernel only.

    **Why it matters.** A notebook that works only in your own session cannot be repeated by anybody, nor by you
    tomorrow. Everything in the cell after that line was lost to the grade.

    **How to see it.** Choose "Restart Kernel and Run All Cells". To ask whether a name exists at some place:
    ```python
    print("train_X" in globals(), "optimizer" in globals())
    ```
    If it is defined further down, move its cell up; if nowhere, write the missing line again.

    **What to read.** Python reference, Naming and binding:
    <https://docs.python.org/3/reference/executionmodel.html#naming-and-binding>
    """

    id = "run.undefined-name"
    question = "run"
    severity = "fault"
    hint = "Define the name above the line that uses it, then restart the Jupyter kernel and run all cells."
    rows = ("D1",)


class Placeholder(FindingKind):
    """A placeholder of the skeleton is still there.

    **What it is.** A `...`, `None` or `pass` of the skeleton stands where your code should be. `...` is a value of
    its own, `Ellipsis`, so the line runs, and the error only appears where the value is used.

    **Why it matters.** The part that it stands for is missing, and later lines fail with messages that seem to have
    nothing to do with it, such as `'ellipsis' object is not callable`.

    **How to see it.** Search the notebook for `...`, or print what a name holds:
    ```python
    for value in (train_X, model, optimizer):
        print(type(value).__name__)  # ellipsis or NoneType: not filled in yet
    ```

    **What to read.** Python reference, the Ellipsis object:
    <https://docs.python.org/3/library/constants.html#Ellipsis>
    """

    id = "run.placeholder"
    question = "run"
    severity = "fault"
    hint = "Replace the placeholder by your own code."
    rows = ("D2",)


class SyntaxMistake(FindingKind):
    """A cell or the program is not valid Python.

    **What it is.** Python could not read the code: a bracket or quotation mark that is never closed, a missing colon,
    mixed indentation, or text that belongs in a Markdown cell. Not one line of that cell was run.

    **Why it matters.** The whole cell counts as missing, its correct lines too. In a script it is the whole file.

    **How to see it.** Run the cell and look at the caret `^` in the message. The mistake is often on the line before:
    ```python
    import ast

    ast.parse("total = (1 + 2)")  # remove the last bracket to see the message
    ```

    **What to read.** Python tutorial, Syntax Errors: <https://docs.python.org/3/tutorial/errors.html#syntax-errors>
    """

    id = "run.syntax-error"
    question = "run"
    severity = "fault"
    hint = "Mend the line that Python's message points at, or the line before it, and run the cell again."
    rows = ("D3",)


class Timeout(FindingKind):
    """The program did not finish in the time allowed.

    **What it is.** The run was stopped at the time limit that the report names. What had been recorded until then was
    graded; everything after it counts as missing.

    **Why it matters.** One epoch of 2,000 batches of 30 images takes about a second on one core, so ten epochs are
    far below the limit. A run that reaches it has an endless loop, waits for input, or does far more work than asked.

    **How to see it.** Time one batch, and compare the number of loop passes with the 2,000 that an epoch of 60,000
    images should have:
    ```python
    import time

    begin = time.perf_counter()
    model(train_X[:30])
    print(f"{time.perf_counter() - begin:.4f} s a batch, {len(range(0, len(train_X), 30))} batches an epoch")
    ```

    **What to read.** Python's time.perf_counter: <https://docs.python.org/3/library/time.html#time.perf_counter>
    """

    id = "run.timeout"
    question = "run"
    severity = "fault"
    hint = "Look for a loop that never ends or repeats work, and time one batch to find what is slow."
    rows = ("D4",)


class OutOfMemory(FindingKind):
    """The program needed more memory than it was allowed.

    **What it is.** The run was ended at the memory limit that the report names. What had been recorded until then was
    graded.

    **Why it matters.** All 60,000 training images take 188 MB as float32, so a correct program stays well below the
    limit. Memory that grows with every batch usually means that losses or outputs are kept with their graphs.

    **How to see it.** Print the size of what you keep, and whether it still has a history:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(train_X.nbytes / 1e6, "MB;", "history:", y_hat.grad_fn)
    ```
    Keep `loss.item()` rather than `loss`, and go through the data in batches of 30, not all at once.

    **What to read.** PyTorch, Frequently Asked Questions, on memory: <https://pytorch.org/docs/stable/notes/faq.html>
    """

    id = "run.out-of-memory"
    question = "run"
    severity = "fault"
    hint = "Go through the data in batches, and keep loss.item() rather than the loss tensor."
    rows = ()


class Killed(FindingKind):
    """The program ended before its last line, without an exception.

    **What it is.** The process or its Jupyter kernel was gone: `exit()`, `quit()`, `os._exit()`, a signal, or a crash
    in a compiled library. What had been recorded until then was graded.

    **Why it matters.** Nothing after that point could be seen. An exit code is no evidence of success, whatever it
    is.

    **How to see it.** Search your code for `exit` and `quit`. In a notebook, Jupyter tells you that the kernel died.
    For a script, look at how it ended; anything but 0 means that it did not reach its end in the normal way:
    ```sh
    python submission.py; echo "ended with $?"
    ```

    **What to read.** Python's faulthandler, which shows where a crash happened:
    <https://docs.python.org/3/library/faulthandler.html>
    """

    id = "run.killed"
    question = "run"
    severity = "fault"
    hint = "Remove calls such as exit() or quit() and let the program run to its last line."
    rows = ()


class ShadowedModule(FindingKind):
    """A file of yours has the name of a module that the program imports.

    **What it is.** Beside your work lies a file such as `helper_functions.py`, `torch.py` or `random.py`, or a `data`
    folder of your own. The graded run used the module and the data of the practical or of Python instead.

    **Why it matters.** No marks are lost by it. But if you changed `helper_functions.py`, your change was not there;
    and on your own machine a `random.py` of yours breaks every library that imports Python's.

    **How to see it.** Print where a module comes from:
    ```python
    import random

    print(random.__file__)
    ```

    **What to read.** Python tutorial, The Module Search Path:
    <https://docs.python.org/3/tutorial/modules.html#the-module-search-path>
    """

    id = "run.shadowed-module"
    question = "run"
    severity = "warning"
    hint = "Rename your file, and put changed helper functions into the notebook itself."
    rows = ()


class NetworkAttempt(FindingKind):
    """The program tried to reach the network.

    **What it is.** A line asked for a connection, for instance to download a data set or to install a package. Work
    is graded without a network, so the attempt failed.

    **Why it matters.** The attempt itself costs nothing, but what was to be downloaded was not there. The data of the
    practical is in `data/train.npz` and `data/test.npz`; nothing else is needed.

    **How to see it.** Switch your own network off, restart the Jupyter kernel and run all cells. Look for
    `download=True`, `!pip install`, `urllib`, `requests`, and read the practical's own files instead:
    ```python
    from helper_functions import read_npz

    print(read_npz.__module__)  # read_npz("data/train.npz") needs no network
    ```

    **What to read.** numpy.load: <https://numpy.org/doc/stable/reference/generated/numpy.load.html>
    """

    id = "run.network-attempt"
    question = "run"
    severity = "warning"
    hint = "Read data/train.npz and data/test.npz, and remove lines that download or install something."
    rows = ()
