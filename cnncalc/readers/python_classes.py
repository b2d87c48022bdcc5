"""The classes of a Python file that are modules of PyTorch, found in its text: nothing is run."""

from __future__ import annotations

import ast

#: Names of base classes that make a class a module.
BASES = ("Module", "Sequential", "LightningModule", "ModuleList", "ModuleDict", "PreTrainedModel")


def module_classes(text: str) -> list[str]:
    """Return the names of the module classes at the top of a text, in order; none if it is not Python.

    A class is one if it has a `forward` method, or if a base of it is a module by its name or by this rule.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            if "forward" in methods or any(_is_module(ast.unparse(base), found) for base in node.bases):
                found.append(node.name)
    return found


def _is_module(base: str, found: list[str]) -> bool:
    """Return whether the text of a base class names a module: one of `torch.nn`, or of the classes found before."""
    *before, name = base.split(".")
    return name in (*BASES, *found) or before[-1:] == ["nn"]


def functions(text: str) -> list[str]:
    """Return the names of the functions at the top of a text, in order, that can be called without arguments."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and len(node.args.args) + len(node.args.posonlyargs) == len(node.args.defaults)
        and not node.name.startswith("_")
    ]


def outermost(text: str) -> list[str]:
    """Return the module classes that no other class of the text makes use of: those that are whole networks."""
    classes = module_classes(text)
    if not classes:
        return []
    used: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            used |= names - {node.name}
    return [name for name in classes if name not in used] or classes
