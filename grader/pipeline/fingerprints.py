"""Fingerprints of source code (winnowing): what two programs have in common, whatever their names and comments.

copydetect filters the tokens and chooses the fingerprints. The hashes are made here, because its own are Python's,
which are others in every process: these can be kept, and the same class always gives the same groups.
"""

from __future__ import annotations

import io
from collections.abc import Set
from typing import Any

import numpy as np

NOISE, WINDOW = 25, 8
"""Shortest run of characters of normalised code that counts as common, and how many of those give one fingerprint."""

VERSION = f"1:{NOISE}"
"""Under which fingerprints are kept: a change of how they are made is another version."""

_EXCERPT_LINES = 12
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits well mixed: 2**64 divided by the golden ratio


def fingerprints(source: str, window: int) -> np.ndarray:
    """The fingerprints of a program, int64, each once, in order; of a `window` of 1 every run of tokens has one."""
    from copydetect.utils import filter_code

    return np.unique(_chosen(filter_code(_ended(source), "", "python")[0], window)[0])


def common_excerpt(first: str, second: str, common: Set[int]) -> tuple[str, ...]:
    """The first lines of the longest stretch of the first source that the second has, too, by `common` fingerprints."""
    from copydetect import compare_files

    pair = [_marked(source, common) for source in (first, second)]
    _, _, (slices, _) = compare_files(*pair)
    if not len(slices) or not len(slices[0]):
        return ()
    start, end = max(zip(*slices, strict=True), key=lambda ends: ends[1] - ends[0])
    return tuple(pair[0].raw_code[int(start) : int(end)].strip("\n").splitlines()[:_EXCERPT_LINES])


def _marked(source: str, common: Set[int]) -> Any:
    """The source as copydetect compares it, with these fingerprints alone."""
    from copydetect import CodeFingerprint

    found = CodeFingerprint("", NOISE, WINDOW, language="python", fp=io.StringIO(_ended(source)))
    places: dict[int, list[int]] = {}
    for mark, place in zip(*(part.tolist() for part in _chosen(found.filtered_code, WINDOW)), strict=True):
        if mark in common:
            places.setdefault(mark, []).append(place)
    found.hashes, found.hash_idx = set(places), places
    return found


def _ended(source: str) -> str:
    """The source, long enough to have a fingerprint."""
    return source + "\n" + "#" * NOISE


def _chosen(code: str, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of runs of `NOISE` characters, int64, those that winnowing chooses, and where in `code` they begin."""
    from copydetect.utils import winnow

    characters = np.frombuffer(code.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    if len(characters) < NOISE:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(NOISE, _FACTOR))
        hashes = np.lib.stride_tricks.sliding_window_view(characters, NOISE) @ powers
        # Winnowing takes the smallest of a window: they must not be ordered by their last character.
        hashes = (hashes ^ (hashes >> np.uint64(31))) * _FACTOR
    chosen, places = winnow(hashes.view(np.int64), window, remove_duplicates=False)
    return chosen, places
