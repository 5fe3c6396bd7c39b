"""Renames everything that a program names itself."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable
from random import Random

from torch import nn

# Names that mislead, that only the student understands, and that are not ASCII.
WORDS = """a b _ l tmp data2 x1 net_2 loss2 acc final_final train_ test_ softmax argmax step zero_grad hits stride
    kernel bild_ größe λ δ_2 变量 переменная MSELoss Adam accuracy dropout self_ Sequential no_grad seed""".split()
# Torch and Python call these by name.
FIXED = {"forward"}


class _Own(ast.NodeVisitor):
    """Collects the variables, functions, classes and modules that a program names, and the attributes that it makes."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.names.add(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.names.add(node.name)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.add(node.name)
        for method in (each for each in node.body if isinstance(each, ast.FunctionDef)):
            self.attributes |= {
                each.attr
                for each in ast.walk(method)
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
                if isinstance(each.value, ast.Name) and each.value.id == method.args.args[0].arg
            }
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.names.add(node.asname or node.name)


class _Renamed(ast.NodeTransformer):
    """Gives every own name its new one, wherever it stands."""

    def __init__(self, names: dict[str, str], attributes: dict[str, str]) -> None:
        self.names, self.attributes = names, attributes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names[node.arg]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.names[node.name]
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.AST:
        node.asname = self.names[node.asname or node.name]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self.attributes.get(node.attr, node.attr)
        return self.generic_visit(node)


def own_names(text: str) -> tuple[set[str], set[str]]:
    """The names and the attributes of `self` that a program defines and may rename."""
    own = _Own()
    own.visit(ast.parse(text))
    names = {name for name in own.names if not name.startswith("__")} - FIXED
    return names, own.attributes


def renamed(text: str, random: Random) -> str:
    """The program with another name for every variable, argument, function, class, imported module and attribute.

    Half of the new names are its own old ones with their meanings exchanged; no name keeps its own.
    """
    names, attributes = own_names(text)
    made = _Renamed(
        _mapping(names, [*names, *WORDS], set(dir(builtins)), random),
        _mapping(attributes, [*attributes, *WORDS], set(dir(nn.Module())), random),
    )
    return ast.unparse(made.visit(ast.parse(text))) + "\n"


def _mapping(old: Iterable[str], candidates: Iterable[str], taken: set[str], random: Random) -> dict[str, str]:
    """A new name for each old one, all different."""
    free = {name for name in candidates if not keyword.iskeyword(name) and name not in taken}
    pool = sorted(free | {f"{word}{random.randrange(100)}" for word in WORDS})
    found: dict[str, str] = {}
    for name in sorted(old):
        found[name] = random.choice([word for word in pool if word != name and word not in found.values()])
    return found
