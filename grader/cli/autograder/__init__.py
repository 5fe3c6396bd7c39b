"""`grade gradescope`: the autograder that Gradescope runs, as the zip that is uploaded there."""

from __future__ import annotations

import importlib.metadata
import io
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click

from grader.cli.parameters import FiniteRange, GivenPath
from grader.errors import UsageError

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1]
SCRIPTS = ("setup.sh", "run_autograder")
DATA = ("train.npz", "test.npz")
_EXECUTABLE = 0o100755 << 16
_PLAIN = 0o100644 << 16


@click.command("gradescope")
@click.option(
    "--out", type=GivenPath(), default=Path("autograder.zip"), show_default=True, help="The zip that is written."
)
@click.option("--assignment", type=GivenPath(file_okay=False), help="The assignment's folder, which goes into the zip.")
@click.option("--data", type=GivenPath(file_okay=False), help="A folder with train.npz and test.npz, for the zip.")
@click.option("--quick", is_flag=True, help="Grade there on the first 6,000 and 1,000 images only.")
@click.option("--timeout", type=FiniteRange(min=1), metavar="S", help="Seconds that a submission may run there.")
@click.option("--pip-flags", default="", metavar="FLAGS", help="Further options for pip there.")
@click.option("--allow-unsandboxed", is_flag=True, help="Run there without isolation where none can be had.")
def gradescope_command(
    out: Path,
    assignment: Path | None,
    data: Path | None,
    quick: bool,
    timeout: float | None,
    pip_flags: str,
    allow_unsandboxed: bool,
) -> int:
    """Build the autograder zip that Gradescope runs."""
    flags = ["--quick"] if quick else []
    flags += ["--timeout", f"{timeout:g}"] if timeout is not None else []
    flags += ["--allow-unsandboxed"] if allow_unsandboxed else []
    files = dict(_package())
    files["requirements.txt"] = _requirements().encode()
    if assignment is not None:
        files |= {f"assignment/{name}": content for name, content in _folder(assignment)}
    if data is not None:
        files |= {f"data/{name}": _content(data / name) for name in DATA}
    files["flags"] = f"GRADE_FLAGS=({shlex.join(flags)})\nPIP_FLAGS=({shlex.join(_words(pip_flags))})\n".encode()
    content = _zip(files)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write there ({error.strerror})", file=str(out)) from error
    click.echo(f"grade: {out}, {len(content) / 2**20:.1f} MiB; upload it as the assignment's autograder", err=True)
    return 0


def _package() -> Iterator[tuple[str, bytes]]:
    """This grader with its default assignment, as it is installed here."""
    for name in SCRIPTS:
        yield name, (HERE / name).read_bytes()
    for name, content in _folder(PACKAGE):
        yield f"grader/{name}", content
    reference = PACKAGE.parent / "reference"
    if not (PACKAGE / "reference").is_dir():
        for name, content in _folder(reference):
            yield f"grader/reference/{name}", content


def _folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise UsageError("there is no such folder", file=str(folder))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror})", file=str(path)) from error


def _requirements() -> str:
    """What the grader needs, without its extras."""
    needed = importlib.metadata.requires("grade-dl") or []
    return "".join(f"{line}\n" for line in needed if "extra ==" not in line)


def _words(flags: str) -> list[str]:
    try:
        return shlex.split(flags)
    except ValueError as error:
        raise UsageError(f"--pip-flags: {error}", remedy="Quote it as in a shell") from error


def _zip(files: dict[str, bytes]) -> bytes:
    """The same files make the same zip; the scripts may be executed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = _EXECUTABLE if name in SCRIPTS else _PLAIN
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
