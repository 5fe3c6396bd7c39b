"""The folder /autograder as Gradescope lays it out, on a system that the test's own machine does not share.

Two systems stand in for Gradescope's container. The *clean* one is a new Debian without Python, which setup.sh gets
everything for through apt and pip as they are configured here. The *borrowed* one is this machine, read-only: setup.sh
runs as it is, but apt-get does nothing, and pip finds every package in the environment of the tests.
"""

from __future__ import annotations

import ast
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SOLUTION = REPOSITORY / "reference" / "solution.ipynb"
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = Path(sysconfig.get_path("purelib"))
_NOT_SHOWN = {"proc", "dev", "tmp", "autograder"}
_EMPTY_TMP = ("--perms", "1777", "--tmpfs", "/tmp")


@dataclass(frozen=True)
class Room:
    """`folder` is what its system shows as /autograder; `system` are bubblewrap's options for everything else, an empty
    /tmp included."""

    folder: Path
    system: tuple[str, ...]
    environment: Mapping[str, str]

    def call(self, *command: str, at: str = "/autograder") -> subprocess.CompletedProcess[str]:
        """Runs a command there, as root where this process is; both its streams are in `stdout`."""
        inside = ("--bind", str(self.folder), "/autograder", "--proc", "/proc", "--dev", "/dev", "--chdir", at)
        kept = ("--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-add", "ALL")
        return subprocess.run(
            ["bwrap", *self.system, *inside, *kept, *command],
            env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
        )  # fmt: skip

    def unpack(self, autograder: Path) -> None:
        """Lays the uploaded zip out, and the script that grades beside it, as the build of Gradescope's image does."""
        for name in ("source", "submission", "results"):
            (self.folder / name).mkdir(parents=True)
        with zipfile.ZipFile(autograder) as archive:
            archive.extractall(self.folder / "source")
        shutil.copyfile(self.folder / "source" / "run_autograder", self.folder / "run_autograder")
        (self.folder / "run_autograder").chmod(0o755)

    def hand_in(self, files: Mapping[str, bytes]) -> None:
        """Makes these the submission, and takes earlier results away: each submission gets a container of its own."""
        shutil.rmtree(self.folder / "submission")
        (self.folder / "submission").mkdir()
        (self.folder / "results" / "results.json").unlink(missing_ok=True)
        for name, content in files.items():
            path = self.folder / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def borrowed(folder: Path) -> Room:
    """A room on this machine, where nothing outside of /autograder and /tmp can be written."""
    shown: list[str] = []
    for entry in sorted(Path("/").iterdir()):
        if entry.is_symlink():
            shown += ["--symlink", os.readlink(entry), str(entry)]
        elif entry.is_dir() and entry.name not in _NOT_SHOWN:
            shown += ["--ro-bind", str(entry), str(entry)]
    # What is graded with must come out of the zip. The repository and Python may lie below /tmp: mount them after it.
    shown += [*_EMPTY_TMP, "--tmpfs", str(REPOSITORY)]
    for prefix in (sys.base_prefix, sys.prefix):
        shown += ["--ro-bind", prefix, prefix]
    if apt := shutil.which("apt-get"):
        shown += ["--ro-bind", "/bin/true", apt]
    packages = folder / "venv" / PACKAGES.relative_to(sys.prefix)
    packages.mkdir(parents=True)
    (packages / "borrowed.pth").write_text(f"{PACKAGES}\n", encoding="utf-8")
    python = Path(sys.prefix, "bin", "python3").resolve().parent
    environment = {"PATH": f"{python}:{PATHS}", "HOME": "/root", "PIP_NO_INDEX": "1"}
    return Room(folder, tuple(shown), environment)


def clean(folder: Path, root: Path) -> Room:
    """A room in a new Debian in the folder `root`, of this machine's release and from its sources."""
    sources = [path for kind in ("*.list", "*.sources") for path in Path("/etc/apt").glob(f"sources.list.d/{kind}")]
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", release, root, *sources, *Path("/etc/apt").glob("sources.list")],
        check=True,
    )
    shown = ["--bind", str(root), "/", *_EMPTY_TMP]
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        shown += ["--ro-bind", name, name]
    settings, lent = _pip_settings()
    return Room(folder, (*shown, *lent), {"PATH": PATHS, "HOME": "/root", **settings})


def _pip_settings() -> tuple[dict[str, str], list[str]]:
    """How pip is configured here, as variables, and the options that lend the files and folders that it names."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    settings, lent = {}, []
    for line in told.stdout.splitlines():
        key, _, value = line.partition("=")
        text = str(ast.literal_eval(value))
        for word, path in _paths(text):
            if path.is_file():
                # At its own place it would be in the way of packages that bring it, such as the certificates.
                lent += ["--ro-bind", str(path), f"/run/{path.name}"]
                text = text.replace(word, f"/run/{path.name}")
            else:
                # The pages of an index lead to files beside it.
                folder = str(path.parent if word.startswith("file:") else path)
                lent += ["--ro-bind", folder, folder]
        settings[f"PIP_{key.rpartition('.')[2].replace('-', '_').upper()}"] = text
    return settings, lent


def _paths(text: str) -> Iterator[tuple[str, Path]]:
    """The words of a setting that name something on this machine."""
    for word in text.split():
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            yield word, path
