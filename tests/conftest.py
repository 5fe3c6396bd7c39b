"""What all tests share: where the repository and MNIST are, and one thread for whatever computes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Read by numpy and torch when they are imported, here and in every process that a test starts.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402  (after the environment is set)
import pytest  # noqa: E402

from grader.pipeline import Grader, Options, prepare  # noqa: E402
from grader.sandbox import keep_zygote  # noqa: E402
from tests.mnist import mnist_folder  # noqa: E402
from tests.recorder.images import write_small_data  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The repository's top folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def mnist_directory() -> Path:
    """A folder with MNIST's train.npz and test.npz, which the repository does not carry.

    Where it is missing the test is skipped, with the reason; in CI (CI=true) it fails instead, for there nothing may
    go untested unnoticed.
    """
    folder = mnist_folder()
    if not (folder / "train.npz").is_file():
        reason = f"MNIST is not in {folder}; set MNIST_DIRECTORY to a folder with train.npz and test.npz"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def quick_mnist(mnist_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images that `--quick` takes of MNIST: the same data set, without staging 70,000 images for it."""
    folder = tmp_path_factory.mktemp("quick-mnist")
    for name, count in (("train.npz", 6000), ("test.npz", 1000)):
        with np.load(mnist_directory / name) as archive:
            np.savez(folder / name, X=archive["X"][:count], Y=archive["Y"][:count])
    return folder


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for real runs. It is new in each session, so no evidence outlives a change of the grader."""
    return tmp_path_factory.mktemp("session-cache")


@pytest.fixture(scope="session")
def forking() -> None:
    """Runs of this process are forks of one process, as a class's are; those of `grade` itself start by themselves."""
    keep_zygote()


@pytest.fixture(scope="session")
def grader(quick_mnist: Path, session_cache: Path, forking: None) -> Grader:
    """A grader with the default assignment on quick MNIST, which runs every submission anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADE_CACHE", str(session_cache))
        return prepare(Options(data=quick_mnist, quick=True, cache=False))


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 300 training and 150 test images."""
    folder = tmp_path_factory.mktemp("small-data")
    write_small_data(folder)
    return folder


@pytest.fixture(scope="session")
def small_grader(small_data: Path, tmp_path_factory: pytest.TempPathFactory, forking: None) -> Grader:
    """A grader on the small data, with a reference that was trained on it; every program is run anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADE_CACHE", str(tmp_path_factory.mktemp("small-cache")))
        return prepare(Options(data=small_data, cache=False))


@pytest.fixture
def copied_assignment(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the default assignment's folder, to be changed."""
    return Path(
        shutil.copytree(repo_root / "reference", tmp_path / "assignment", ignore=shutil.ignore_patterns("__pycache__"))
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, which the grader uses during the test instead of the user's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRADE_CACHE", str(folder))
    return folder
