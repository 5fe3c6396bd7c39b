"""The workspace as the program sees it: its folders, its environment, and the parcel that brings its files.

The files travel in memory and are unpacked by the unprivileged side. So nothing of a submission is written on the
host with the grader's rights, and a killed grader leaves nothing behind.
"""

from __future__ import annotations

import json
import marshal
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from grader.errors import SubmissionRejected
from grader.sandbox import interpreter
from grader.sandbox.fonts import font_cache
from grader.sandbox.starter.inside import PIPE
from grader.sandbox.values import Program

if TYPE_CHECKING:
    from grader.assignment import Assignment
    from grader.submission import Submission

DATA = "data"
DATA_FILES = ("train.npz", "test.npz")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Layout:
    """Where things are, as the program inside names them.

    `scratch` is for temporary files, `packages` the folder that holds `recorder`.
    """

    home: str
    scratch: str
    packages: str

    @property
    def work(self) -> str:
        return f"{self.home}/work"

    @property
    def settings(self) -> str:
        return f"{self.home}/.config"

    @property
    def config(self) -> str:
        return f"{self.settings}/grade.json"


def submission_files(submission: Submission, assignment: Assignment) -> dict[str, bytes]:
    """What the workspace holds besides `data/`: the student's files and entry, and the assignment's helpers.

    The assignment's own files win over the student's of the same name. Raises SubmissionRejected for a name that
    would leave the workspace.
    """
    files = {name: content for name, content in submission.files.items() if _may_stage(name)}
    if submission.notebook is not None:
        files[submission.entry] = json.dumps(submission.notebook, ensure_ascii=False).encode()
    else:
        files[submission.entry] = submission.cells[0].encode()
    return {**files, **assignment.helpers}


def environment(layout: Layout, program: Program) -> dict[str, str]:
    """The program's whole environment; nothing of the grader's own is in it."""
    variables = {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin",
        "HOME": layout.home,
        "LANG": "C.UTF-8",
        "TMPDIR": layout.scratch,
        "PYTHONPATH": layout.packages,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "MPLCONFIGDIR": f"{layout.settings}/matplotlib",
        "IPYTHONDIR": f"{layout.home}/.ipython",
        "JUPYTER_RUNTIME_DIR": f"{layout.scratch}/jupyter",
        "JUPYTER_CONFIG_DIR": f"{layout.settings}/jupyter",
        "JUPYTER_DATA_DIR": f"{layout.home}/.jupyter",
        "JUPYTER_PLATFORM_DIRS": "1",
        "GRADE_CONFIG": layout.config,
        "GRADE_PIPE": str(PIPE),
        **dict.fromkeys(THREADS, "1"),
    }
    user_base = interpreter.user_base()
    if user_base is not None:
        variables["PYTHONUSERBASE"] = user_base
    allocator = interpreter.tcmalloc() if program.preload else None
    return {**variables, "LD_PRELOAD": allocator} if allocator else variables


def make_parcel(
    program: Program,
    layout: Layout,
    limits: Mapping[str, int],
    descriptors: Mapping[str, int],
    links: list[tuple[str, str]],
) -> int:
    """An in-memory file that tells the child what to unpack and what to become; returns its descriptor.

    `limits` are what the child sets on itself: `file_bytes` and `processes`, those that the kernel counts for its user.
    `descriptors` names the child's `pipe`, `ready` and `group`; `links` are (place, target) of symbolic links to make.
    """
    contents = {f"{layout.work}/{_checked(name)}": content for name, content in program.files.items()}
    contents[layout.config] = json.dumps({**program.config, "workspace": layout.work}).encode()
    for name, content in font_cache().items():
        contents[f"{layout.settings}/matplotlib/{name}"] = content
    plan: dict[str, Any] = {
        "folders": [layout.work, layout.scratch, f"{layout.scratch}/jupyter"],
        "links": links,
        "files": [(path, len(content)) for path, content in contents.items()],
        "cwd": layout.work,
        "limits": dict(limits),
        "argv": [sys.executable, *program.arguments],
        "env": environment(layout, program),
        **descriptors,
    }
    return memory_file(marshal.dumps(plan), *contents.values())


def memory_file(*parts: bytes) -> int:
    """A descriptor of an anonymous file that holds `parts`, at its start, inherited by no child by itself."""
    handle = os.memfd_create("grade", os.MFD_CLOEXEC)
    try:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(handle, view) :]
        os.lseek(handle, 0, os.SEEK_SET)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _may_stage(name: str) -> bool:
    return PurePosixPath(name).parts[:1] != (DATA,)


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise SubmissionRejected("the name of a file leaves the workspace", file=name)
    return name
