"""Moves a program's top-level statements about: other orders, other cells, functions around them."""

from __future__ import annotations

import ast
import textwrap
from random import Random

Cells = list[str]


def statements(text: str) -> list[str]:
    """The source of each top-level statement, with whatever stands before it since the last one.

    A figure is one piece, up to where it is shown: Jupyter shows and closes it at the end of its cell.
    """
    lines = text.splitlines(keepends=True)
    ends = [node.end_lineno or 0 for node in ast.parse(text).body]
    found: list[str] = []
    drawing = False
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        part = "".join(lines[start:end])
        if drawing:
            found[-1] += part
        else:
            found.append(part)
        drawing = (drawing or "plt.subplots(" in part) and "plt.show(" not in part
    return found


def is_import(statement: str) -> bool:
    """Whether a statement only imports."""
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(statement).body)


def cells(text: str, random: Random) -> Cells:
    """The program in cells of one to five statements."""
    rest, found = statements(text), []
    while rest:
        count = random.randint(1, 5)
        found.append("".join(rest[:count]).strip("\n"))
        rest = rest[count:]
    return found


def reordered(text: str, random: Random) -> str:
    """The program with its top-level statements in another order that computes the same.

    Two statements may change places unless they share a name other than an imported module's: whatever a function
    that is named in a statement names belongs to the statement.
    """
    parts = statements(text)
    touched = [_touched(part) for part in parts]
    bodies = {node.name: _touched(ast.unparse(node)) for node in ast.parse(text).body if hasattr(node, "name")}
    modules = {name for part, names in zip(parts, touched, strict=True) if is_import(part) for name in names}
    reach = [names.union(*(bodies.get(name, set()) for name in names)) - modules for names in touched]
    imports = [part for part in parts if is_import(part)]
    random.shuffle(imports)
    waiting = [index for index, part in enumerate(parts) if not is_import(part)]
    order = []
    while waiting:
        ready = [at for at in waiting if all(not reach[at] & reach[other] for other in waiting if other < at)]
        chosen = random.choice(ready)
        waiting.remove(chosen)
        order.append(parts[chosen])
    return "".join([*imports, *order])


def _touched(statement: str) -> set[str]:
    """Every name in a statement; of a definition its own name and bases alone, since its body runs later."""
    found: set[str] = set()
    for node in ast.parse(statement).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not found:
            found.add(node.name)
        found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        found |= {each.asname or each.name for each in ast.walk(node) if isinstance(each, ast.alias)}
    return found


def in_functions(text: str, random: Random) -> str:
    """The program in a function that is called at the end, behind a main guard, in nested functions, or in a class."""
    parts = statements(text)
    imports = "".join(part for part in parts if is_import(part))
    rest = "".join(part for part in parts if not is_import(part)).strip("\n")
    body = textwrap.indent(rest, "    ")
    guard = 'if __name__ == "__main__":\n'
    wrapped = random.choice(
        [
            f"def main():\n{body}\n\n\n{guard}    main()\n",
            f"{guard}{body}\n",
            f"def run():\n{body}\n\n\nrun()\n",
            f"def outer():\n    def inner():\n{textwrap.indent(body, '    ')}\n    return inner\n\n\nouter()()\n",
            f"class Practical:\n    def run(self):\n{textwrap.indent(body, '    ')}\n\n\nPractical().run()\n",
        ]
    )
    return f"{imports}\n\n{wrapped}"


def loops_in_functions(text: str, random: Random) -> str:
    """The program with each top-level loop in a function of its own, which the next line calls."""
    made = []
    for number, part in enumerate(statements(text)):
        if isinstance(ast.parse(part).body[0], ast.For):
            name = random.choice(["step", "train", "work", "f"]) + f"_{number}"
            body = textwrap.indent(part.strip("\n"), "    ")
            part = f"\n\ndef {name}():\n{body}\n\n\n{name}()\n"
        made.append(part)
    return "".join(made)
