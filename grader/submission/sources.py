"""Turns the bytes of a Python source into text that reads as it runs, in UTF-8 with plain line ends."""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass

from grader.errors import SubmissionRejected
from grader.submission.names import shown

# Stateless supersets of ASCII: what looks like ASCII in an editor is what Python reads. Others (UTF-7,
# unicode_escape, ISO-2022, ROT13, ...) can hide code in what looks like a comment.
_CODECS = re.compile(
    r"utf-8|utf-8-sig|ascii|iso8859-\d+|cp125\d|cp437|cp850|mac-roman|koi8-[ru]"
    r"|gb2312|gbk|gb18030|big5|euc_jp|euc_kr|shift_jis|cp932|cp936|cp949"
)
_COOKIE = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)([-\w.]+)")  # PEP 263
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # bidirectional controls, CVE-2021-42574
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Source:
    """A module's text, free of null characters and lone surrogates, and what is odd about it."""

    text: str
    notes: tuple[str, ...]


def decode_module(content: bytes, name: str) -> Source:
    """Decode a module as Python would (PEP 263, UTF-8 by default). Syntax is not looked at.

    Raises:
        SubmissionRejected: null bytes, an encoding that can hide code, or bytes that are not in the encoding.
    """
    if content.startswith(_UTF16_MARKS):
        raise _not_text(name, None, "is saved as UTF-16, which Python does not read")
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise _not_text(name, f"line {line}", "holds null bytes, so it is not Python source")
    encoding = _encoding(content, name)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _not_text(name, f"line {line}", f"holds bytes that are not {encoding.upper()}") from None
    notes = []
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        notes.append(f"{shown(name)} was converted from {encoding} to UTF-8")
    text = _with_utf8_cookie(plain_lines(text))
    return Source(text, (*notes, *invisible_notes([(shown(name), text)])))


def plain_lines(text: str) -> str:
    """The text with every line end that Python knows written as a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_surrogates(text: str) -> str:
    """The text with lone surrogates, which no encoding can store, replaced by U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def invisible_notes(sources: Iterable[tuple[str, str]], most: int = 10) -> list[str]:
    """A note for each line, up to `most`, that holds bidirectional control characters; `sources` are (place, text)."""
    notes = [
        f"{place}, line {number}: bidirectional control characters (U+{ord(match[0]):04X}), "
        "so the code may not read as it runs"
        for place, text in sources
        if _INVISIBLE.search(text)
        for number, line in enumerate(text.split("\n"), start=1)
        if (match := _INVISIBLE.search(line))
    ]
    return notes[:most]


def _encoding(content: bytes, name: str) -> str:
    try:
        encoding = codecs.lookup(tokenize.detect_encoding(io.BytesIO(content).readline)[0]).name
    except SyntaxError as error:
        if str(error).startswith("invalid or missing"):
            return "utf-8"  # a byte in the first two lines is not UTF-8: decoding finds out which
        raise _not_text(name, None, f"declares an encoding that cannot be used ({shown(str(error))})") from None
    if not _CODECS.fullmatch(encoding):
        raise _not_text(name, None, f"declares the encoding {encoding}, which can hide code from a reader")
    return encoding


def _with_utf8_cookie(text: str) -> str:
    """The source will be stored as UTF-8, so what it declares has to follow; line numbers stay."""
    lines = text.split("\n", 2)
    for index, line in enumerate(lines[:2]):
        lines[index] = _COOKIE.sub(lambda match: f"{match[1]}utf-8", line)
    return "\n".join(lines)


def _not_text(name: str, place: str | None, reason: str) -> SubmissionRejected:
    return SubmissionRejected(reason, file=shown(name), place=place, remedy="Save it as UTF-8 text and submit it again")
