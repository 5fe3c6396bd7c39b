"""What the names of files mean at intake: kinds, junk, modules that shadow others, and how a name is shown."""

from __future__ import annotations

import re
import sys
import unicodedata

from grader.errors import SubmissionRejected
from grader.submission.values import MAX_DEPTH, MAX_NAME_BYTES

NOTEBOOK_SUFFIX = ".ipynb"
MODULE_SUFFIX = ".py"
ARCHIVE_SUFFIX = ".zip"
OTHER_ARCHIVE_SUFFIXES = frozenset({".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"})

HELPER_MODULE = "helper_functions"  # the assignment stages its own
DATA_FOLDER = "data"  # likewise

# Python, pytest, IPython and Jupyter pick these up by their name alone.
_STARTUP = """
sitecustomize.py usercustomize.py conftest.py pytest.ini
ipython_config.py ipython_kernel_config.py jupyter_config.py jupyter_config.json
"""
STARTUP_FILES = frozenset(_STARTUP.split())

_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini", "icon\r", "$recycle.bin"})
_COMPILED_SUFFIXES = (".pyc", ".pyo")
_EXTENSION_SUFFIXES = (".so", ".pyd")

# What a notebook of the practical or the programs that run it import, besides the standard library.
_INSTALLED = """
torch torchvision torchaudio functorch torchgen numpy scipy pandas sklearn matplotlib mpl_toolkits pylab PIL
kiwisolver contourpy cycler fontTools pyparsing dateutil six packaging tqdm safetensors sympy mpmath networkx
jinja2 markupsafe fsspec filelock typing_extensions IPython ipykernel ipywidgets nbclient nbformat
jupyter_client jupyter_core zmq traitlets tornado comm debugpy psutil prompt_toolkit pygments parso jedi
decorator stack_data executing asttokens pure_eval matplotlib_inline pexpect ptyprocess wcwidth nest_asyncio
nest_asyncio2 fastjsonschema jsonschema referencing rpds attr attrs platformdirs setuptools pkg_resources
sitecustomize usercustomize recorder
"""
_TAKEN_MODULES = frozenset({HELPER_MODULE, *_INSTALLED.split()}) | sys.stdlib_module_names

_MOST_SHOWN = 120  # characters of a name in a message


def suffix(name: str) -> str:
    """The last suffix of a file's name in lower case, with its dot."""
    name = name.rpartition("/")[2]
    return name[len(stem(name)) :].lower()


def stem(name: str) -> str:
    """A file's name without its last suffix, as pathlib has it; but pathlib interns every name it sees, and the
    interpreter's table of those never shrinks again after a large class."""
    front, _, last = name.rpartition(".")
    return front if front and last else name


def is_notebook(name: str) -> bool:
    """Whether the name is a notebook's."""
    return suffix(name) == NOTEBOOK_SUFFIX


def is_module(name: str) -> bool:
    """Whether the name is a Python source file's."""
    return suffix(name) == MODULE_SUFFIX


def is_archive(name: str) -> bool:
    """Whether the name is a zip archive's."""
    return suffix(name) == ARCHIVE_SUFFIX


def is_main_module(name: str) -> bool:
    """Whether the name says that this module is the submission."""
    return name in ("submission.py", "main.py")


def is_main_notebook(name: str) -> bool:
    """Whether the name says that this notebook is the submission."""
    return name in ("submission.ipynb", "main.ipynb")


def is_entry_module(name: str) -> bool:
    """Whether the name is a module's that can be somebody's submission, and not one that supports others."""
    support = name in STARTUP_FILES or name in ("__init__.py", "setup.py", f"{HELPER_MODULE}.py")
    return is_module(name) and not support


def is_junk(part: str) -> bool:
    """Whether one part of a path is hidden, or litter of an operating system or learning platform."""
    return part.startswith((".", "~$")) or part.casefold() in _JUNK


def is_compiled(name: str) -> bool:
    """Whether a path names compiled Python code, which need not be what its source says."""
    return name.lower().endswith(_COMPILED_SUFFIXES) or "__pycache__" in name.split("/")


def importable_stem(name: str) -> str | None:
    """The module that a source or extension file provides to `import`, None for other files."""
    if name.endswith((MODULE_SUFFIX, *_EXTENSION_SUFFIXES)):
        return name.split(".", 1)[0]
    return None


def is_taken_module(stem: str) -> bool:
    """Whether a module of this name is staged, installed or in the standard library."""
    return stem in _TAKEN_MODULES


def folded(name: str) -> str:
    """The form in which two names are equal on a file system that ignores case or Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shown(name: str) -> str:
    """The name for messages: what does not print (controls, bidi, broken UTF-8) is escaped, long names are cut."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)
    return text if len(text) <= _MOST_SHOWN else f"{text[:80]}...{text[-30:]}"


def listed(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """At most `most` names as a phrase."""
    phrase = ", ".join(shown(name) for name in names[:most])
    return phrase if len(names) <= most else f"{phrase} and {len(names) - most} more"


def safe_id(name: str) -> str:
    """An id from a file's or folder's name: printable, not hidden, no separator, short enough for a folder's name."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in text)
    text = re.sub(r"^[. ]+", "_", text.encode()[:150].decode(errors="ignore")).rstrip(". ")
    return text or "submission"


def check_name(name: str) -> None:
    """Reject a relative POSIX name that cannot be staged and reported as it is.

    Raises:
        SubmissionRejected: not UTF-8, a part too long, or too many folders deep.
    """
    parts = name.split("/")
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        raise SubmissionRejected(
            "the name is not valid UTF-8", file=shown(name), remedy="Rename the file and submit again"
        ) from None
    if longest > MAX_NAME_BYTES:
        raise SubmissionRejected(
            f"the name is longer than {MAX_NAME_BYTES} bytes", file=shown(name), remedy="Rename the file"
        )
    if len(parts) > MAX_DEPTH:
        raise SubmissionRejected(
            f"it lies more than {MAX_DEPTH - 1} folders deep", file=shown(name), remedy="Flatten the folders"
        )
