"""Modules by their names: `package.module:factory`, or `folder/file.py:Class`. Their code is run."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any, NoReturn

from cnncalc.readers.errors import fail
from cnncalc.readers.python_classes import functions, module_classes, outermost
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    import torch


def named(name: str) -> tuple[str, str]:
    """Return the package or file of a name, and what stands behind the colon; nothing is imported or run.

    A file with one network needs nothing there. Raises `SpecError` E310 if what builds the module is not named.
    """
    package, _, attribute = name.rpartition(":") if ":" in name else (name, "", "")
    return package, attribute or _only_network(package)


def build(name: str) -> torch.nn.Module:
    """Return the module that a name denotes, by running its code.

    Behind the colon is a class or a function that is called without arguments, or a module. Raises `SpecError` E310
    if there is nothing of the name, or it fails.
    """
    import torch

    package, attribute = named(name)
    holder = _imported(name, package)
    found: Any = holder
    for part in attribute.split("."):
        if not hasattr(found, part):
            _fail_missing(name, package, holder, attribute)
        found = getattr(found, part)
    try:
        module = found if isinstance(found, torch.nn.Module) else found()
    except (Exception, SystemExit) as error:
        help = None
        if isinstance(error, TypeError) and "argument" in str(error):
            help = f"write a function without arguments that returns it, and name that: `torch:{package}:make`"
        fail("E310", f"`torch:{name}` cannot be built", first_line(error), help=help)
    if not isinstance(module, torch.nn.Module):
        fail("E310", f"`torch:{name}` builds no module", f"it gives a {type(module).__name__}")
    return module


def first_line(error: BaseException) -> str:
    """Return an error's type and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _imported(name: str, package: str) -> Any:
    """Return the Python module of a file or of a dotted name."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    if not package.endswith(".py"):
        try:
            return import_module(package)
        except (Exception, SystemExit) as error:
            fail("E310", f"`torch:{name}` cannot be built", first_line(error), help=_near_file(package, name))
    if not os.path.isfile(package):
        fail("E310", f"`torch:{name}` cannot be built", f"there is no file `{package}`", help=_near_file(package, name))
    folder, file = os.path.split(os.path.abspath(package))
    if folder not in sys.path:
        sys.path.insert(0, folder)  # what it imports from beside it
    stem = file.removesuffix(".py")
    spec = spec_from_file_location(stem, package)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[stem] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[stem]
        fail("E310", f"`torch:{name}` cannot be built", first_line(error))
    return module


def _text(package: str) -> str:
    """Return the text of a package's file below the working folder, or an empty text."""
    path = package if package.endswith(".py") else package.replace(".", os.sep) + ".py"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except (OSError, ValueError):
        return ""


def _only_network(package: str) -> str:
    """Return the network of a file that has one; raises `SpecError` E310 with its classes if it has several."""
    text = _text(package)
    networks = outermost(text)
    if len(networks) == 1:
        return networks[0]
    classes = module_classes(text)
    named = ", ".join(f"`{each}`" for each in classes or functions(text))
    what = "module classes" if classes else "functions"
    fact = f"its {what}: {named}" if named else "what builds the module?"
    chosen = (networks[-1:] or functions(text) or ["factory"])[0]
    help = f"write `torch:{package or 'package.module'}:{chosen}`"
    fail("E310", f"`torch:{package}` names no class or function", fact, help=help)


def _near_file(package: str, name: str) -> str | None:
    """Return the edit to the file of the working folder whose name is nearest."""
    attribute = name.rpartition(":")[2] if ":" in name else ""
    stem = package.removesuffix(".py")
    files = [file.removesuffix(".py") for file in os.listdir() if file.endswith(".py")]
    near = nearest(stem, files, cutoff=0.6)
    if near is None or near == stem:
        return None
    near += ".py" if package.endswith(".py") else ""
    return f"write `torch:{near}{':' if attribute else ''}{attribute}`"


def _fail_missing(name: str, package: str, holder: Any, attribute: str) -> NoReturn:
    """Raise `SpecError` E310 for a name that the Python module does not have, with the nearest and all classes."""
    import torch

    classes = [
        each
        for each, value in vars(holder).items()
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == holder.__name__
    ]
    callables = [each for each, value in vars(holder).items() if callable(value) and not each.startswith("_")]
    near = nearest(attribute, [*classes, *callables], cutoff=0.5)
    named = ", ".join(f"`{each}`" for each in classes)
    listed = f"its module classes: {named}" if classes else "it has no module class"
    choice = near or (classes[-1] if classes else None)
    help = f"write `torch:{package}:{choice}`" if choice else None
    fail("E310", f"`{package}` has no `{attribute}`", listed, help=help)
