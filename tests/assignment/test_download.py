"""Fetching a data set over HTTP, from a server on this machine with small files of the real format."""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from grader.assignment import Assignment, find_dataset, installed_dataset, silent
from grader.assignment.download import MNIST, RemoteDataset, RemoteFile, download_dataset, read_idx
from grader.errors import DataError
from tests.assignment.samples import TEST, TRAIN, classes, levels


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as a gzipped IDX file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


CONTENT = {
    "train-images.gz": idx(levels(TRAIN, 0).reshape(-1, 28, 28)),
    "train-labels.gz": idx(classes(TRAIN)),
    "test-images.gz": idx(levels(TEST, 1).reshape(-1, 28, 28)),
    "test-labels.gz": idx(classes(TEST)),
}


class Server(ThreadingHTTPServer):
    """Serves `content`; `broken` says how a file misbehaves: "cut", "silent", "endless" or a wrong "content"."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = dict(CONTENT)
        self.broken: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.ranges = True
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/mnist/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/mnist/")
        wanted = self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if name not in self.server.content:
            self.send_error(404)
            return
        body, fault = self.server.content[name], self.server.broken.get(name)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.server.ranges else 0
        self.send_response(206 if start else 200)
        if fault != "endless":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if fault == "silent":
            self.server.over.wait(5)
        elif fault == "cut":
            self.wfile.write(body[start : len(body) // 2])
        elif fault == "endless":
            self.wfile.write(body + bytes(10 * len(body)))
        else:
            self.wfile.write(bytes(len(body) - start) if fault == "content" else body[start:])

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server on the loopback address."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.over.set()
        running.shutdown()
        thread.join()


def remote(*urls: str) -> RemoteDataset:
    """The small data set at these addresses."""
    files = [RemoteFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items()]
    return RemoteDataset("little digits", urls, *files)


def test_a_download_is_installed(cache: Path, assignment: Assignment, server: Server) -> None:
    """The files become the data set that is used from then on, images and labels in their order."""
    dataset = download_dataset(assignment, silent, remote(server.url))
    assert (dataset.name, dataset.train, dataset.test) == ("little digits", TRAIN, TEST)
    np.testing.assert_allclose(dataset.load().train_images * 255, levels(TRAIN, 0), atol=1e-4)
    np.testing.assert_array_equal(dataset.load().test_labels, classes(TEST))
    assert installed_dataset() == dataset
    assert find_dataset(None, assignment, False, silent) == dataset


def test_a_download_has_the_hash_of_a_folder_with_the_same_images(
    cache: Path, assignment: Assignment, server: Server, data_folder: Path
) -> None:
    """Where data came from does not matter: content alone names it."""
    downloaded = download_dataset(assignment, silent, remote(server.url))
    assert downloaded.sha256 == find_dataset(data_folder, assignment, False, silent).sha256


def test_progress_counts_bytes(cache: Path, assignment: Assignment, server: Server) -> None:
    """Each file's progress ends at its size."""
    seen: list[tuple[str, int, int]] = []
    download_dataset(assignment, lambda *progress: seen.append(progress), remote(server.url))
    for name, data in CONTENT.items():
        assert (f"Downloading {name}", len(data), len(data)) in seen


def test_what_is_there_is_not_fetched_again(cache: Path, assignment: Assignment, server: Server) -> None:
    """A second download of verified files asks the server for nothing."""
    download_dataset(assignment, silent, remote(server.url))
    asked = len(server.asked)
    download_dataset(assignment, silent, remote(server.url))
    assert len(server.asked) == asked == 4


def test_a_damaged_copy_is_fetched_again(cache: Path, assignment: Assignment, server: Server) -> None:
    """A local copy that no longer has its hash is not used."""
    download_dataset(assignment, silent, remote(server.url))
    (cache / "downloads" / "test-labels.gz").write_bytes(b"damaged")
    download_dataset(assignment, silent, remote(server.url))
    assert [name for name, _ in server.asked].count("test-labels.gz") == 2


def test_a_cut_download_is_continued(cache: Path, assignment: Assignment, server: Server) -> None:
    """After a broken connection only the rest of the file is asked for."""
    server.broken["train-images.gz"] = "cut"
    half = len(CONTENT["train-images.gz"]) // 2
    with pytest.raises(DataError, match="train-images"):
        download_dataset(assignment, silent, remote(server.url))
    server.broken.clear()
    download_dataset(assignment, silent, remote(server.url))
    assert server.asked[1] == ("train-images.gz", f"bytes={half}-")


def test_a_server_without_ranges_starts_over(cache: Path, assignment: Assignment, server: Server) -> None:
    """A server that ignores the range sends the whole file, which replaces the part."""
    server.broken["train-images.gz"] = "cut"
    with pytest.raises(DataError):
        download_dataset(assignment, silent, remote(server.url))
    server.broken.clear()
    server.ranges = False
    assert download_dataset(assignment, silent, remote(server.url)).train == TRAIN


def test_the_next_address_is_tried(cache: Path, assignment: Assignment, server: Server) -> None:
    """A mirror that lacks the files, or is not there at all, costs nothing but time."""
    urls = ("http://127.0.0.1:9/", server.url.replace("mnist", "elsewhere"), server.url)
    assert download_dataset(assignment, silent, remote(*urls)).train == TRAIN


def test_wrong_bytes_are_discarded(cache: Path, assignment: Assignment, server: Server) -> None:
    """A file of the right size and the wrong hash is refused, says so, and leaves nothing behind."""
    server.broken["train-labels.gz"] = "content"
    with pytest.raises(DataError, match=r"train-labels\.gz could not be fetched .*SHA-256 is not the expected one"):
        download_dataset(assignment, silent, remote(server.url))
    assert sorted(path.name for path in (cache / "downloads").iterdir()) == ["train-images.gz"]
    assert installed_dataset() is None


def test_more_bytes_than_promised_are_not_read(cache: Path, assignment: Assignment, server: Server) -> None:
    """A server that sends without end cannot fill the disk: reading stops at the expected size."""
    server.broken["train-images.gz"] = "endless"
    assert download_dataset(assignment, silent, remote(server.url)).train == TRAIN
    assert (cache / "downloads" / "train-images.gz").stat().st_size == len(CONTENT["train-images.gz"])


def test_a_silent_server_times_out(cache: Path, assignment: Assignment, server: Server) -> None:
    """A server that accepts and then says nothing ends in an error with a remedy, not in waiting for ever."""
    server.broken["train-images.gz"] = "silent"
    with pytest.raises(DataError, match=r"timed out.*grade data --from DIR"):
        download_dataset(assignment, silent, remote(server.url), timeout_s=0.2)


def test_every_failure_is_listed(cache: Path, assignment: Assignment, server: Server) -> None:
    """Where all addresses fail, the error names each with its reason."""
    missing = server.url.replace("mnist", "elsewhere")
    with pytest.raises(DataError, match=f"{missing}train-images.gz: the server answers 404"):
        download_dataset(assignment, silent, remote("http://127.0.0.1:9/", missing))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain", "not the expected IDX file"),
        (gzip.compress(b"\0\0\x0d\x01" + bytes(8), mtime=0), "it starts with 00000d01"),
        (gzip.compress(b"", mtime=0), "it starts with"),
        (gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 5) + bytes(4), mtime=0), "promises 5 values"),
        (gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 5) + bytes(6), mtime=0), "promises 5 values"),
        (idx(classes(TEST))[:-9], "not the expected IDX file"),
    ],
)
def test_files_that_are_no_idx(tmp_path: Path, content: bytes, message: str) -> None:
    """A file of another format, type or length is refused with what was found."""
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path, dimensions=1)


def test_images_and_labels_of_different_numbers(cache: Path, assignment: Assignment, server: Server) -> None:
    """Files that do not belong together are refused as any other data set would be."""
    data = idx(classes(TRAIN - 1))
    server.content["train-labels.gz"] = data
    mixed = replace(
        remote(server.url),
        train_labels=RemoteFile("train-labels.gz", len(data), hashlib.sha256(data).hexdigest()),
    )
    with pytest.raises(DataError, match='array "Y"'):
        download_dataset(assignment, silent, mixed)


def test_mnist_is_fetched_over_https_and_verified() -> None:
    """The real addresses are encrypted, there is more than one, and each file has a SHA-256 and a size."""
    assert len(MNIST.base_urls) >= 2
    assert all(url.startswith("https://") and url.endswith("/") for url in MNIST.base_urls)
    assert all(len(bytes.fromhex(file.sha256)) == 32 and file.size > 1000 for file in MNIST.files)
