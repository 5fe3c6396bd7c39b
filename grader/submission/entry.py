"""Finds which of a submission's files is the one that is run.

Only files at the top level count. The rule, in order:

1. Of several notebooks, the one named `submission.ipynb` or `main.ipynb` stands for all.
2. One notebook and neither `submission.py` nor `main.py`: the notebook.
3. No notebook and one of `submission.py`, `main.py`: that module.
4. None of these: the only module, or the only one that no other top-level module imports.

Anything else is ambiguous and rejected, for a guess could grade the wrong work.
"""

from __future__ import annotations

import re

from grader.errors import SubmissionRejected
from grader.submission.names import (
    MODULE_SUFFIX,
    NOTEBOOK_SUFFIX,
    is_archive,
    is_entry_module,
    is_main_module,
    is_main_notebook,
    is_notebook,
    listed,
)
from grader.submission.values import MAX_SOURCE_BYTES, Item

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+\.?(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)
_REMEDY = "Keep one of them; of several notebooks alone, one may be named submission.ipynb instead"


def choose_entry(items: tuple[Item, ...]) -> Item:
    """The notebook or module to run, by the rule of this module.

    Raises:
        SubmissionRejected: there is none, or several that could be meant (they are listed).
    """
    top = [item for item in items if "/" not in item.name]
    notebooks = [item for item in top if is_notebook(item.name)]
    main_notebooks = [item for item in notebooks if is_main_notebook(item.name)]
    if len(main_notebooks) == 1:
        notebooks = main_notebooks
    candidates = notebooks + [item for item in top if is_main_module(item.name)]
    if not candidates:
        candidates = _not_imported([item for item in top if is_entry_module(item.name)])
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise _nothing_to_run(items)
    names = [item.name for item in candidates]
    raise SubmissionRejected(f"several files could be the submission: {listed(names)}", remedy=_REMEDY)


def _not_imported(modules: list[Item]) -> list[Item]:
    if len(modules) <= 1:
        return modules
    imported = {item.name: _imports(item) for item in modules}
    left = [
        item
        for item in modules
        if not any(item.name[: -len(MODULE_SUFFIX)] in imported[other.name] for other in modules if other is not item)
    ]
    return left or modules


def _imports(item: Item) -> set[str]:
    """The top-level names a module imports, by its text: parsing a hostile one could exhaust the stack."""
    found: set[str] = set()
    for match in _IMPORT.finditer(item.read(MAX_SOURCE_BYTES).decode("latin-1")):
        names = [match[1]] if match[1] else match[2].split(",")
        found.update(name.strip().split(".")[0].split(" ")[0] for name in names)
    return found


def _nothing_to_run(items: tuple[Item, ...]) -> SubmissionRejected:
    deeper = [item.name for item in items if item.name.endswith((NOTEBOOK_SUFFIX, MODULE_SUFFIX)) and "/" in item.name]
    archives = [item.name for item in items if is_archive(item.name)]
    if not items:
        return SubmissionRejected("it holds no files", remedy="Submit a notebook (.ipynb) or a module (.py)")
    if deeper:
        return SubmissionRejected(
            f"no notebook or module lies at the top level, only deeper: {listed(deeper)}",
            remedy="Submit the folder that holds the notebook; a folder of several submissions is graded with --each",
        )
    if archives:
        return SubmissionRejected(f"it holds only archives: {listed(archives)}", remedy="Unpack them and submit again")
    names = [item.name for item in items]
    return SubmissionRejected(
        f"it holds no notebook and no module, only {listed(names)}",
        remedy="Submit a notebook (.ipynb) or a module (.py)",
    )
