"""Changes how a program looks, not what it does: comments, blank lines, formatting, line ends, notebook formats."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence
from random import Random
from typing import Any

import nbformat

REMARKS = (
    "# forward pass", "# optimizer.zero_grad()", "# TODO", "# TODO: softmax?", "# Question 3.1", "# größer als 0",
    "#", "# %%", "# nn.Conv2d(1, 10, 5, stride=1)", "# optimizer.step()  # not here", "#!important", "# ...",
    "# test loss 0.0123, test accuracy 99.9%", "# type: ignore", "# 学习率",
)  # fmt: skip
PROSE = (
    "## Question 2.1", "Answer: the kernels look at *edges*.", "$$z_1 = W * x + b$$", "<b>my notes</b>", "",
    "Epoch 1 Loss: 0.5 Accuracy: 99.99", "```python\noptimizer.step()\n```", "# Ergebnis\n\n| a | b |\n|---|---|\n",
)  # fmt: skip


def starts(text: str) -> list[tuple[int, str]]:
    """Line number and indentation of every statement that has its first line to itself."""
    lines = text.splitlines()
    found = {node.lineno: node.col_offset for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)}
    return sorted((line, " " * at) for line, at in found.items() if not lines[line - 1][:at].strip())


def commented(text: str, random: Random) -> str:
    """The program with comments and blank lines between its statements, and at the ends of some lines."""
    lines = text.splitlines()
    where = dict(starts(text))
    made = []
    for number, line in enumerate(lines, 1):
        if number in where and random.random() < 0.4:
            made += random.choice(([f"{where[number]}{random.choice(REMARKS)}"], ["", ""], [where[number], ""]))
        end = f"  {random.choice(REMARKS)}" if line.strip() and random.random() < 0.2 else ""
        made.append(line + end)
    return "\n".join([*made, random.choice(REMARKS)]) + "\n"


def formatted(text: str, random: Random) -> str:
    """The program as another formatter would have it."""
    ways = (_unparsed, _broken_lines, _tabs, _narrow, _semicolons, _padded)
    return random.choice(ways)(text)


def _unparsed(text: str) -> str:
    return ast.unparse(ast.parse(text)) + "\n"


def _broken_lines(text: str) -> str:
    """A new line after every comma within brackets."""
    made, depth = [], 0
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.OP:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if token.string == "," and depth:
            made.append(token.end)
    for row, column in reversed(made):
        line = lines[row - 1]
        lines[row - 1] = f"{line[:column]}\n      {line[column:]}"
    return "".join(lines)


def _tabs(text: str) -> str:
    return re.sub(r"^( {4})+", lambda match: "\t" * (len(match[0]) // 4), text, flags=re.MULTILINE)


def _narrow(text: str) -> str:
    return re.sub(r"^( {4})+", lambda match: " " * (len(match[0]) // 4), text, flags=re.MULTILINE)


def _semicolons(text: str) -> str:
    """Neighbouring simple statements on one line."""
    simple = (ast.Assign, ast.Expr, ast.Import)
    body = ast.parse(text).body
    made, held = [], []
    for node in body:
        if isinstance(node, simple):
            held.append(ast.unparse(node))
        else:
            made += [*(["; ".join(held)] if held else []), ast.unparse(node)]
            held = []
    return "\n".join([*made, "; ".join(held)]) + "\n"


def _padded(text: str) -> str:
    """Blanks at the ends of lines and form feeds between statements."""
    lines = [f"{line}  \t" if line.strip() else "    " for line in text.splitlines()]
    tops = {number for number, indent in starts(text) if not indent}
    return "".join(f"\f{line}\n" if number in tops else f"{line}\n" for number, line in enumerate(lines, 1))


def encoded(text: str, random: Random) -> bytes:
    """The program's bytes with other line ends, a byte order mark, or in another encoding that it declares."""
    ways = (
        lambda: text.replace("\n", "\r\n").encode(),
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        lambda: text.replace("\n", "\r").encode(),
        lambda: f"# -*- coding: latin-1 -*-\n# größer\n{text}".encode("latin-1"),
        lambda: text.rstrip("\n").encode(),
    )
    return random.choice(ways)()


def notebook(sources: Sequence[str], random: Random | None = None) -> bytes:
    """A notebook of these code cells; with `random` in any version of the format, with prose and old outputs."""
    if random is None:
        return nbformat.writes(_plain(sources)).encode()
    made = _plain(sources)
    for at in range(len(sources), -1, -1):
        if random.random() < 0.5:
            made.cells.insert(at, nbformat.v4.new_markdown_cell(random.choice(PROSE)))
    for cell in made.cells:
        cell.metadata.update(random.choice(({}, {"tags": ["hide"]}, {"scrolled": True}, {"collapsed": False})))
        if cell.cell_type == "code" and random.random() < 0.5:
            cell.execution_count = random.randrange(1, 200)
            cell.outputs = [nbformat.v4.new_output("stream", text="epoch 3: test loss 0.0123, accuracy 99.99%\n")]
    made.metadata = random.choice((made.metadata, {"kernelspec": {"name": "ml", "display_name": "ml"}}, {}))
    major, minor = random.choice(((3, 4), (4, 0), (4, 1), (4, 2), (4, 4), (4, 5)))
    made.nbformat_minor = minor
    if minor < 5:
        for cell in made.cells:
            del cell["id"]
    return nbformat.writes(nbformat.convert(made, major), version=major).encode()


def _plain(sources: Sequence[str]) -> Any:
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{at}") for at, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)
