"""Small pictures: the blocks of the forward pass diagram as SVG geometry, and filters as PNG data URIs."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

Kernel = tuple[tuple[float, ...], ...]

BLOCK_WIDTH, BLOCK_HEIGHT = 112, 92
"""Size of a block's picture in user units."""

_PIXELS_PER_SIDE = 2.1
_PIXELS_PER_CHANNEL = 1.3
_LONGEST_SIDE = 62.0
_DEEPEST = 34.0

_NEGATIVE = (33, 102, 172)
_ZERO = (247, 247, 247)
_POSITIVE = (178, 24, 43)
_SHADES = 255

MOST_FILTERS = 32
"""How many filters a report shows."""


@dataclass(frozen=True)
class Block:
    """A tensor drawn as a box: SVG `points` of its front, top and side faces."""

    front: str
    top: str
    side: str


@dataclass(frozen=True)
class FilterImage:
    """One filter: `uri` is a PNG of one pixel a weight; `low` and `high` are its least and greatest weights."""

    uri: str
    low: float
    high: float


def block(shape: Sequence[int]) -> Block:
    """Draw a shape without its batch dimension, channels last: (28, 28, 1), (1210,); sizes are true but capped.

    A vector becomes a bar whose height grows with the logarithm of its length.
    """
    if len(shape) >= 2:
        channels = math.prod(max(size, 1) for size in shape[2:])
        height, width = (min(max(size * _PIXELS_PER_SIDE, 6.0), _LONGEST_SIDE) for size in shape[:2])
        depth = min(2.0 + channels * _PIXELS_PER_CHANNEL, _DEEPEST)
    else:
        length = max(math.prod(shape), 1)
        height, width, depth = min(12.0 + 16.0 * math.log10(length), _LONGEST_SIDE), 10.0, 5.0
    slant = 0.6 * depth
    left = round((BLOCK_WIDTH - width - depth) / 2, 1)
    base = round((BLOCK_HEIGHT + height + slant) / 2, 1)
    right, ceiling = left + width, base - height
    far_corner = (right + depth, ceiling - slant)
    return Block(
        front=_points((left, base), (right, base), (right, ceiling), (left, ceiling)),
        top=_points((left, ceiling), (right, ceiling), far_corner, (left + depth, ceiling - slant)),
        side=_points((right, base), (right + depth, base - slant), far_corner, (right, ceiling)),
    )


def _points(*corners: tuple[float, float]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def filter_images(filters: Sequence[Kernel]) -> tuple[FilterImage, ...]:
    """Paint filters on one common scale: blue below zero, white at zero, red above; at most `MOST_FILTERS`."""
    shown = [kernel for kernel in filters[:MOST_FILTERS] if kernel and kernel[0] and len({*map(len, kernel)}) == 1]
    extent = max((abs(weight) for kernel in shown for weight in _finite(kernel)), default=0.0)
    return tuple(_filter_image(kernel, extent) for kernel in shown)


def _finite(kernel: Kernel) -> list[float]:
    return [weight for row in kernel for weight in row if math.isfinite(weight)]


def _filter_image(kernel: Kernel, extent: float) -> FilterImage:
    rows = [b"".join(_colour(weight, extent) for weight in row) for row in kernel]
    weights = _finite(kernel) or [0.0]
    uri = "data:image/png;base64," + base64.b64encode(png(rows)).decode("ascii")
    return FilterImage(uri, min(weights), max(weights))


def _colour(weight: float, extent: float) -> bytes:
    share = weight / extent if extent and math.isfinite(weight) else 0.0
    return _shade(round(share * _SHADES))


@cache
def _shade(step: int) -> bytes:
    """The colour of a step from `-_SHADES` to `_SHADES`, RGB."""
    end = _POSITIVE if step > 0 else _NEGATIVE
    return bytes(round(zero + (one - zero) * abs(step) / _SHADES) for zero, one in zip(_ZERO, end, strict=True))


def png(rows: Sequence[bytes]) -> bytes:
    """Encode rows of RGB bytes, all of one length, as a PNG (https://www.w3.org/TR/png/, colour type 2, depth 8)."""
    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
