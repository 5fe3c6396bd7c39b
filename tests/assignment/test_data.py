"""Data sets: which one is used, what it is turned into, and how fast it is found again."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.assignment import Assignment, find_dataset, install_dataset, installed_dataset, load_assignment, silent
from grader.assignment.staging import data_directory
from grader.errors import DataError
from tests.assignment.samples import TEST, TRAIN, classes, levels, write_data

Arrays = dict[str, np.ndarray]


def as_floats(file: str, arrays: Arrays) -> None:
    """The practical's own form: X float32 in [0, 1]."""
    arrays["X"] = (arrays["X"] / 255).astype(np.float32)


def as_doubles(file: str, arrays: Arrays) -> None:
    arrays["X"] = arrays["X"].astype(np.float64) * (1 / 255)


def as_squares(file: str, arrays: Arrays) -> None:
    arrays["X"] = arrays["X"].reshape(-1, 28, 28)


def as_indices(file: str, arrays: Arrays) -> None:
    arrays["Y"] = arrays["Y"].argmax(axis=1)


def as_float_one_hot(file: str, arrays: Arrays) -> None:
    arrays["Y"] = arrays["Y"].astype(np.float64)


def test_staged_files_are_the_practical_s(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """The staged archives hold X float32 (N, 784) in [0, 1] and Y one-hot float32 (N, 10), uncompressed."""
    dataset = find_dataset(data_folder, assignment, False, silent)
    for name, count, seed in (("train", TRAIN, 0), ("test", TEST, 1)):
        with np.load(dataset.directory / f"{name}.npz") as archive:
            assert sorted(archive.files) == ["X", "Y"]
            assert (archive["X"].dtype, archive["X"].shape) == (np.float32, (count, 784))
            assert (archive["Y"].dtype, archive["Y"].shape) == (np.float32, (count, 10))
            np.testing.assert_allclose(archive["X"] * 255, levels(count, seed), atol=1e-4)
            np.testing.assert_array_equal(archive["Y"].argmax(axis=1), classes(count))
        assert (dataset.directory / f"{name}.npz").stat().st_size > count * 784 * 4


def test_load_gives_images_and_class_indices(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """`load` returns float32 images in [0, 1] and int64 class indices of both splits."""
    dataset = find_dataset(data_folder, assignment, False, silent)
    arrays = dataset.load()
    assert (dataset.name, dataset.train, dataset.test) == ("letters", TRAIN, TEST)
    assert (arrays.train_images.shape, arrays.test_images.shape) == ((TRAIN, 784), (TEST, 784))
    assert (arrays.train_images.dtype, arrays.train_labels.dtype) == (np.float32, np.int64)
    assert 0 <= arrays.test_images.min() <= arrays.test_images.max() <= 1
    np.testing.assert_array_equal(arrays.train_labels, classes(TRAIN))


@pytest.mark.parametrize("form", [as_floats, as_doubles, as_squares, as_indices, as_float_one_hot])
def test_every_form_of_the_same_data_has_one_hash(
    cache: Path, assignment: Assignment, tmp_path: Path, form: Callable[[str, Arrays], None]
) -> None:
    """Bytes or fractions, flat or square, one-hot or indices: the same data is one data set."""
    plain = find_dataset(write_data(tmp_path / "plain"), assignment, False, silent)
    other = find_dataset(write_data(tmp_path / "other", form), assignment, False, silent)
    assert (other.sha256, other.directory) == (plain.sha256, plain.directory)


def test_fractions_that_are_no_8_bit_levels_are_kept(cache: Path, assignment: Assignment, tmp_path: Path) -> None:
    """Images in other steps than 1/255 are staged as they are."""
    images = np.random.default_rng(0).random((TRAIN, 784)).astype(np.float32)

    def change(file: str, arrays: Arrays) -> None:
        arrays["X"] = images[: len(arrays["X"])]

    arrays = find_dataset(write_data(tmp_path / "data", change), assignment, False, silent).load()
    np.testing.assert_array_equal(arrays.train_images, images)


def test_another_pixel_is_another_data_set(cache: Path, assignment: Assignment, tmp_path: Path) -> None:
    """One level of one pixel, or one label, changes the hash."""

    def pixel(file: str, arrays: Arrays) -> None:
        arrays["X"][0, 0] ^= 1

    def label(file: str, arrays: Arrays) -> None:
        arrays["Y"][[0, 1]] = arrays["Y"][[1, 0]]

    folders = [write_data(tmp_path / "a"), write_data(tmp_path / "b", pixel), write_data(tmp_path / "c", label)]
    assert len({find_dataset(folder, assignment, False, silent).sha256 for folder in folders}) == 3


def test_staged_files_are_open_to_readers_and_closed_to_writers(
    cache: Path, assignment: Assignment, data_folder: Path
) -> None:
    """The sandbox reads the files under another user: all may read, none may write, whatever the umask is."""
    before = os.umask(0o077)
    try:
        dataset = find_dataset(data_folder, assignment, False, silent)
    finally:
        os.umask(before)
    assert stat.S_IMODE((dataset.directory / "train.npz").stat().st_mode) == 0o444
    for folder in (dataset.directory, dataset.directory.parent, cache):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_second_call_reads_no_data(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """A source that looks unchanged is not read again, so finding it takes less than 20 ms."""
    first = find_dataset(data_folder, assignment, False, silent)
    file = data_folder / "train.npz"
    status = file.stat()
    file.write_bytes(bytes(status.st_size))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    seen: list[str] = []
    started = time.perf_counter()
    second = find_dataset(data_folder, assignment, False, lambda description, done, total: seen.append(description))
    assert time.perf_counter() - started < 0.02
    assert second == first
    assert seen == []


def test_a_changed_source_is_staged_again(cache: Path, assignment: Assignment, tmp_path: Path) -> None:
    """New content under the same path is another data set, and progress says so."""
    first = find_dataset(write_data(tmp_path / "data"), assignment, False, silent)
    seen: list[tuple[str, int, int]] = []
    write_data(tmp_path / "data", lambda file, arrays: arrays["X"].sort(axis=0))
    second = find_dataset(tmp_path / "data", assignment, False, lambda *progress: seen.append(progress))
    assert second.sha256 != first.sha256
    assert seen == [("Staging the data set (data)", 0, 1), ("Staging the data set (data)", 1, 1)]


def test_damaged_staging_is_made_again(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """A staged folder that lost a file, or part of one, is replaced."""
    dataset = find_dataset(data_folder, assignment, False, silent)
    (dataset.directory / "train.npz").chmod(0o644)
    (dataset.directory / "train.npz").write_bytes(b"half")
    (dataset.directory / "test.npz").unlink()
    assert find_dataset(data_folder, assignment, False, silent).load().train_images.shape == (TRAIN, 784)


def test_a_damaged_record_is_forgotten(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """The cache's own records are never trusted to be whole: a broken one only costs time."""
    first = find_dataset(data_folder, assignment, False, silent)
    for record in (data_directory() / "sources").iterdir():
        record.write_text("{")
    assert find_dataset(data_folder, assignment, False, silent) == first


def test_graders_that_stage_at_once_agree(cache: Path, data_folder: Path, repo_root: Path) -> None:
    """Four processes that stage the same data at the same time all get it, and leave nothing half-made."""
    code = (
        "import sys; from pathlib import Path; from grader.assignment import *\n"
        "print(find_dataset(Path(sys.argv[1]), load_assignment(None), False, silent).load().train_images.shape)"
    )
    command = [sys.executable, "-c", code, str(data_folder)]
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    graders = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [grader.communicate()[0] for grader in graders] == [f"({TRAIN}, 784)\n"] * 4
    assert [path.name for path in data_directory().iterdir() if path.name.startswith(".")] == []


def test_quick_takes_the_first_images(cache: Path, copied_assignment: Path, data_folder: Path) -> None:
    """A quick run sees the first images only, as many as the rubric says, and is a data set of its own."""
    path = copied_assignment / "rubric.toml"
    text = path.read_text().replace("quick_train = 6000", "quick_train = 15")
    path.write_text(text.replace("quick_test = 1000", "quick_test = 12"))
    assignment = load_assignment(copied_assignment)
    full = find_dataset(data_folder, assignment, False, silent)
    quick = find_dataset(data_folder, assignment, True, silent)
    assert (quick.name, quick.train, quick.test) == ("letters, quick", 15, 12)
    assert quick.sha256 != full.sha256
    np.testing.assert_array_equal(quick.load().train_images, full.load().train_images[:15])
    np.testing.assert_array_equal(quick.load().test_labels, full.load().test_labels[:12])
    assert find_dataset(data_folder, assignment, True, silent) == quick


def test_an_installed_data_set_is_used_where_none_is_named(
    cache: Path, assignment: Assignment, data_folder: Path, tmp_path: Path
) -> None:
    """What was installed is used from then on, even when its source is gone; a named folder still goes first."""
    assert installed_dataset() is None
    installed = install_dataset(data_folder, assignment, silent)
    for file in data_folder.iterdir():
        file.unlink()
    assert installed_dataset() == installed
    assert find_dataset(None, assignment, False, silent) == installed
    named = write_data(tmp_path / "named", lambda file, arrays: arrays["X"].sort(axis=0))
    assert find_dataset(named, assignment, False, silent).name == "named"


def test_an_installed_data_set_that_is_gone(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """Where the installed files were deleted, the error says so rather than another data set being used."""
    dataset = install_dataset(data_folder, assignment, silent)
    (dataset.directory / "train.npz").unlink()
    with pytest.raises(DataError, match=r"gone from the cache.*grade data --from DIR"):
        find_dataset(None, assignment, False, silent)


def broken_x(array: np.ndarray) -> Callable[[str, Arrays], None]:
    """Puts another X into the training file."""

    def change(file: str, arrays: Arrays) -> None:
        if file == "train":
            arrays["X"] = array

    return change


def broken_y(array: np.ndarray) -> Callable[[str, Arrays], None]:
    """Puts another Y into the test file."""

    def change(file: str, arrays: Arrays) -> None:
        if file == "test":
            arrays["Y"] = array

    return change


ONE_HOT = np.eye(10)[np.zeros(TEST, dtype=int)]


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (broken_x(np.zeros((TRAIN, 783))), 'array "X"', "its shape is (40, 783)"),
        (broken_x(np.zeros((TRAIN, 1, 28, 28))), 'array "X"', "its shape is (40, 1, 28, 28)"),
        (broken_x(np.zeros((0, 784))), 'array "X"', "its shape is (0, 784)"),
        (broken_x(np.zeros(784)), 'array "X"', "its shape is (784,)"),
        (broken_x(np.float32(3)), 'array "X"', "its shape is ()"),
        (broken_x(np.full((TRAIN, 784), 255.0)), 'array "X"', "its values go from 255 to 255"),
        (broken_x(np.full((TRAIN, 784), -1)), 'array "X"', "its values go from -1 to -1"),
        (broken_x(np.full((TRAIN, 784), np.nan)), 'array "X"', "its values go from nan to nan"),
        (broken_x(np.full((TRAIN, 784), "a")), 'array "X"', "its type is <U1"),
        (broken_y(np.zeros(TEST - 1, dtype=int)), 'array "Y"', "its shape is (19,)"),
        (broken_y(np.int64(3)), 'array "Y"', "its shape is ()"),
        (broken_y(np.full(TEST, 10)), 'array "Y"', "it is int64, 10 to 10"),
        (broken_y(np.full(TEST, -1)), 'array "Y"', "it is int64, -1 to -1"),
        (broken_y(np.zeros(TEST)), 'array "Y"', "it is float64, 0.0 to 0.0"),
        (broken_y(ONE_HOT * 0.5), 'array "Y"', "not each row one-hot"),
        (broken_y(ONE_HOT + np.eye(10)[1]), 'array "Y"', "not each row one-hot"),
        (broken_y(ONE_HOT - 0.1), 'array "Y"', "not each row one-hot"),
        (broken_y(ONE_HOT[:, :9]), 'array "Y"', "not each row one-hot"),
        (broken_y(ONE_HOT[:, None]), 'array "Y"', "it is float64 (20, 1, 10)"),
        (broken_y(np.full(TEST, "a")), 'array "Y"', "it is <U1 (20,)"),
    ],
)
def test_arrays_that_are_no_data_set(
    cache: Path,
    assignment: Assignment,
    tmp_path: Path,
    change: Callable[[str, Arrays], None],
    place: str,
    message: str,
) -> None:
    """Every array that is not what the practical uses is refused with file, array, what was found, and the remedy."""
    folder = write_data(tmp_path / "data", change)
    with pytest.raises(DataError) as caught:
        find_dataset(folder, assignment, False, silent)
    assert (caught.value.file or "").startswith(str(folder))
    assert caught.value.place == place
    assert message in caught.value.message
    assert caught.value.remedy


def pickled() -> bytes:
    """A .npz whose X would have to be unpickled."""
    stream = io.BytesIO()
    np.savez(stream, X=np.array([print], dtype=object), Y=classes(1))
    return stream.getvalue()


def one_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, levels(TRAIN, 0))
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut", pickled(), one_array()])
def test_files_that_are_no_archive(cache: Path, assignment: Assignment, data_folder: Path, content: bytes) -> None:
    """A file that is empty, cut, no archive, or holds pickled objects is refused, and nothing in it is run."""
    (data_folder / "train.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.npz: this is not a readable \.npz file"):
        find_dataset(data_folder, assignment, False, silent)


def test_an_archive_without_labels(cache: Path, assignment: Assignment, data_folder: Path) -> None:
    """A missing array is named."""
    np.savez(data_folder / "test.npz", X=levels(TEST, 1))
    with pytest.raises(DataError, match=r'test\.npz, array "Y": the array is missing'):
        find_dataset(data_folder, assignment, False, silent)


def test_a_folder_without_files(cache: Path, assignment: Assignment, tmp_path: Path) -> None:
    """A folder that is no data folder is refused, naming the file that is missing and what one holds."""
    with pytest.raises(DataError, match=r"train\.npz: the file cannot be read .*train\.npz and test\.npz"):
        find_dataset(tmp_path, assignment, False, silent)


def test_a_cache_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, assignment: Assignment, data_folder: Path, tmp_path: Path
) -> None:
    """Where the cache cannot be made, the error says where it is and how to move it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match="Set GRADE_CACHE"):
        find_dataset(data_folder, assignment, False, silent)


def test_offline_digits_where_there_is_nothing_else(cache: Path, copied_assignment: Path) -> None:
    """Without a named or installed data set the assignment's digits are made, and again when their module changes."""
    module = copied_assignment / "digits.py"
    code = (
        "import numpy as np\n"
        "def make_digits():\n"
        "    return np.full((3, 784), {0}, np.float32), np.arange(3), np.zeros((2, 784), np.float32), np.arange(2)\n"
    )
    module.write_text(code.format(1))
    first = find_dataset(None, load_assignment(copied_assignment), False, silent)
    assert (first.name, first.train, first.test) == ("offline digits", 3, 2)
    module.write_text(code.format(0))
    assert find_dataset(None, load_assignment(copied_assignment), False, silent).sha256 != first.sha256


def test_an_assignment_without_digits(cache: Path, copied_assignment: Path) -> None:
    """Without any data set the error says how to get one."""
    (copied_assignment / "digits.py").unlink()
    with pytest.raises(DataError, match="Name a folder with --data"):
        find_dataset(None, load_assignment(copied_assignment), False, silent)


def test_mnist_is_known_by_its_content(assignment: Assignment, mnist_directory: Path) -> None:
    """MNIST has its name and its 60,000 and 10,000 images, whatever its folder is called."""
    dataset = find_dataset(mnist_directory, assignment, False, silent)
    assert (dataset.name, dataset.train, dataset.test) == ("MNIST", 60_000, 10_000)
    assert dataset.load().train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
