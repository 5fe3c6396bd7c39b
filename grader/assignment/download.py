"""Fetching the real MNIST: four gzipped IDX files, each verified by its SHA-256 before a byte of it is used."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.assignment.cache import cache_directory, make_directory
from grader.assignment.data import Dataset, install_splits
from grader.assignment.folder import Assignment
from grader.assignment.progress import Progress
from grader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1 << 16
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: its name below the base address, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RemoteDataset:
    """A data set to fetch: addresses to try in order, and its files: images and labels of the two splits."""

    name: str
    base_urls: tuple[str, ...]
    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        return self.train_images, self.train_labels, self.test_images, self.test_labels


MNIST = RemoteDataset(
    name="MNIST",
    # The original site no longer serves the files; these are the mirrors that torchvision and TensorFlow use.
    base_urls=("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    train_images=RemoteFile(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    train_labels=RemoteFile(
        "train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    test_images=RemoteFile(
        "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    test_labels=RemoteFile(
        "t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
)


def download_dataset(
    assignment: Assignment, progress: Progress, remote: RemoteDataset = MNIST, timeout_s: float = TIMEOUT_S
) -> Dataset:
    """Fetches a data set, stages it, and makes it this user's data set (`grade data --download`).

    What was fetched before is not fetched again, and a part of a file is continued. `timeout_s` is how long a server
    may stay silent. Raises DataError where no address gives the right bytes, or the files are not what they should be.
    """
    folder = make_directory(cache_directory() / "downloads")
    paths = {file: _fetch(file, remote.base_urls, folder, progress, timeout_s) for file in remote.files}

    from grader.assignment.arrays import Splits, make_split

    parameters = assignment.rubric.parameters
    height, width = parameters["image"]
    train, test = (
        make_split(
            read_idx(paths[images], dimensions=3).reshape(-1, height * width),
            read_idx(paths[labels], dimensions=1),
            height * width,
            parameters["classes"],
            file=str(paths[images]),
        )
        for images, labels in ((remote.train_images, remote.train_labels), (remote.test_images, remote.test_labels))
    )
    return install_splits(remote.name, Splits(train, test), assignment)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Reads a gzipped IDX file of unsigned bytes with this many dimensions; raises DataError where it is another.

    The format: two zero bytes, type (8: unsigned byte), number of dimensions, each size as a big-endian 32-bit number,
    then the values.
    """
    import numpy as np

    try:
        with gzip.open(path, "rb") as stream:
            header = stream.read(4 + 4 * dimensions)
            if header[:4] != bytes((0, 0, 8, dimensions)):
                raise ValueError(f"it starts with {header[:4].hex()}")
            shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4", offset=4))
            count = int(np.prod(shape, dtype=np.int64))
            values = stream.read(count + 1)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"this is not the expected IDX file: {error}", file=str(path), remedy=_again(path)) from error
    if len(values) != count:
        raise DataError(f"its header promises {count} values of shape {shape}", file=str(path), remedy=_again(path))
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def _fetch(file: RemoteFile, base_urls: Sequence[str], folder: Path, progress: Progress, timeout_s: float) -> Path:
    """The verified local copy of `file`, fetched from the first address that gives it."""
    path = folder / file.name
    if path.is_file() and _sha256(path) == file.sha256:
        return path
    failures = []
    for base_url in base_urls:
        url = f"{base_url.rstrip('/')}/{file.name}"
        part = path.with_name(f"{file.name}.part")
        try:
            _fetch_part(url, part, file, progress, timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{url}: {_reason(error)}")
            continue
        if _sha256(part) == file.sha256:
            part.replace(path)
            return path
        part.unlink()
        failures.append(f"{url}: its SHA-256 is not the expected one, so it was discarded")
    raise DataError(
        f"{file.name} could not be fetched ({'; '.join(failures)})",
        remedy='Try again later, or install a copy that you have with "grade data --from DIR"',
    )


def _fetch_part(url: str, part: Path, file: RemoteFile, progress: Progress, timeout_s: float) -> None:
    """Continues `part` up to the file's size; raises OSError, HTTPException or ValueError where that fails.

    Never writes more than the size that is expected, whatever the server sends.
    """
    have = part.stat().st_size if part.exists() else 0
    if have >= file.size:
        part.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    description = f"Downloading {file.name}"
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        continued = have and response.status == 206
        have = have if continued else 0
        with part.open("ab" if continued else "wb") as stream:
            while have < file.size and (chunk := response.read(min(CHUNK, file.size - have))):
                stream.write(chunk)
                have += len(chunk)
                progress(description, have, file.size)
    if have < file.size:
        raise ValueError(f"the connection ended after {have} of {file.size} bytes")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reason(error: Any) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"{error.reason}"
    return f"{error}" or type(error).__name__


def _again(path: Path) -> str:
    return f"Delete {path.name} there and fetch it again"
