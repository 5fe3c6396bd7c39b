"""The executed notebook, put together from the cells as they arrived: a run that was cut off has one too."""

from __future__ import annotations

import copy
import json
from typing import Any

from grader.evidence import Evidence
from grader.submission import Submission


def executed_notebook(submission: Submission, evidence: Evidence) -> str | None:
    """nbformat 4.5 JSON with the outputs of this run; None for a module."""
    if submission.notebook is None:
        return None
    notebook: dict[str, Any] = copy.deepcopy(dict(submission.notebook))
    runs = {run.cell: run for run in evidence.cells}
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        number += 1
        run = runs.get(number)
        if run is not None:
            cell["outputs"] = [dict(output) for output in run.outputs]
            cell["execution_count"] = run.cell
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
