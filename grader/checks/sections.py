"""Which question a line of a program answers, told by the text around it; unparsable text included."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = re.compile(r"#+\s*(?:question|vraag|frage|q)\s*(\d(?:\.\d)?)", re.IGNORECASE)
_BLOCK = re.compile(r"\s*(?:async\s+)?(def|class|for|while|with)\b\s*(.*)")
_PLOT = re.compile(
    r"plot_filters|imshow|matshow|imsave|pcolormesh|subplots?\(|savefig|\bplt\.|\bax(?:is|es)?\b[\w.\[\]]*\."
)
_LOAD = re.compile(r"read_npz|np\.load|numpy\.load|loadtxt|\.npz")
_OBJECTIVE = re.compile(r"optim\.|\b(?:SGD|Adam\w*|RMSprop)\(|(?:Loss)\(|\.parameters\(\)|\bparameters\b")
_ONE_HOT = re.compile(r"one_?hot|\beye\(|encod|scatter_")
_TESTING = re.compile(r"test|eval|valid|te\b", re.IGNORECASE)
_LAYERS = re.compile(r"nn\.(?:Conv2d|Linear|ReLU|Sequential|Parameter)")
_FORWARD = re.compile(r"conv2d|unfold|self\.\w+\(")
NAMES_OF_FORWARD = ("forward", "__call__")


def section(source: str, line: int) -> str | None:
    """The question that line number `line` (from 1) of `source` belongs to, or None where nothing tells."""
    lines = source.splitlines()
    if not 0 < line <= len(lines):
        return _of_text(source)
    marked = next((m[1] for text in reversed(lines[:line]) if (m := _MARK.search(text))), None)
    if marked is not None:
        return marked
    here = lines[line - 1]
    blocks = list(_enclosing(lines, line))
    return (
        _of_block(blocks)
        or _of_statement(here, blocks)
        or _of_called(lines, here)
        or _of_loop(lines, here, blocks)
        or _of_text(source)
    )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _enclosing(lines: list[str], line: int) -> Iterator[tuple[str, str, int]]:
    """(keyword, rest of the header, line index) of the blocks around a line, the innermost first."""
    depth = _indent(lines[line - 1])
    for index in range(line - 1, -1, -1):
        text = lines[index]
        if not text.strip() or (_indent(text) >= depth and index != line - 1):
            continue
        header = _BLOCK.match(text)
        if header is not None:
            yield header[1], header[2], index
        depth = min(depth, _indent(text))


def _of_block(blocks: list[tuple[str, str, int]]) -> str | None:
    """A method of a model tells by its name."""
    for keyword, rest, _ in blocks:
        if keyword == "def":
            name = rest.partition("(")[0]
            if name == "__init__":
                return "2.1"
            if name in NAMES_OF_FORWARD:
                return "2.2"
    return None


def _of_statement(here: str, blocks: list[tuple[str, str, int]]) -> str | None:
    """What the line itself does."""
    looped = any(keyword in ("for", "while", "def") for keyword, _, _ in blocks)
    if _PLOT.search(here):
        return "4"
    if ".backward(" in here:
        return "3.1"
    if re.search(r"zero_grad|\.step\b|\.stop\b|optimi[sz]er\.\w+\(\)", here):
        return "3.2"
    if _LOAD.search(here):
        return "1"
    if _ONE_HOT.search(here):
        return "3.1"
    if not looped and _OBJECTIVE.search(here):
        return "2.3"
    if not looped and re.search(r"\.shape|\.size\(", here):
        return "1"
    return None


def _of_called(lines: list[str], here: str) -> str | None:
    """A function of the student's that only draws belongs to the plot wherever it is called."""
    called = set(re.findall(r"\b(\w+)\(", here))
    for index, text in enumerate(lines):
        header = _BLOCK.match(text)
        if header is None or header[1] != "def" or header[2].partition("(")[0] not in called or text == here:
            continue
        body = _body(lines, index)
        if _PLOT.search(body) and not re.search(r"\.backward\(|\.step\(|optim\.", body):
            return "4"
    return None


def _of_loop(lines: list[str], here: str, blocks: list[tuple[str, str, int]]) -> str | None:
    """Training and test phase, by the names of functions, what is looped over, and where gradients are off."""
    for keyword, rest, index in blocks:
        body = _body(lines, index)
        if keyword == "def" and _FORWARD.search(body) and ".backward(" not in body and "no_grad" not in body:
            return "2.2" if not _ONE_HOT.search(rest) else "3.1"
        if keyword == "def" and _PLOT.search(body):
            return "4"
        if keyword == "with" and re.search(r"no_grad|inference_mode", rest):
            return "4" if _PLOT.search("\n".join(lines[index:])) and ".backward(" not in "\n".join(lines) else "3.3"
        if keyword in ("for", "while", "def") and _TESTING.search(rest) and ".backward(" not in body:
            return "3.3"
        if keyword == "def" and _ONE_HOT.search(rest):
            return "3.1"
        if keyword in ("for", "while", "def") and ".backward(" in body:
            return "3.3" if re.search(r"\b(?:test|eval\w*|validate)\(|test_|_test", here) else "3.1"
    return None


def _body(lines: list[str], index: int) -> str:
    """The text of the block that begins at `index`."""
    depth = _indent(lines[index])
    end = index + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > depth):
        end += 1
    return "\n".join(lines[index:end])


def _of_text(source: str) -> str | None:
    """What a whole cell is about."""
    for question, words in (
        ("3.1", re.compile(r"\.backward\(")),
        ("2.1", _LAYERS),
        ("4", _PLOT),
        ("2.3", _OBJECTIVE),
        ("1", _LOAD),
        ("3.1", _ONE_HOT),
        ("2.2", _FORWARD),
    ):
        if words.search(source):
            return question
    return None
