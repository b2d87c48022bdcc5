"""PyTorch modules, traced by `torch.export` on fake tensors: nothing is computed, and no weights are needed.

A module comes from `cnncalc.from_torch`, or on the command line from its factory, `torch:package.module:factory`,
whose code is run. Files of pickled modules are never opened. `importer` walks the trace, and `operators` has the rules
of ATen's operators.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail, fail_missing_library
from cnncalc.readers.torch import operators  # noqa: F401 - it registers the rules
from cnncalc.readers.torch.importer import TorchImporter

if TYPE_CHECKING:
    import torch


def read(name: str, options: ReadOptions) -> Graph:
    """Return the graph of the module that a factory `package.module:factory` builds, by running its code.

    Raises `SpecError` E310 if there is no factory or it fails, E308 if no input is given, and as `from_module`.
    """
    package, _, factory = name.partition(":")
    if not package or not factory:
        fail("E310", f"`torch:{name}` names no factory", help="write `torch:package.module:factory`")
    _require_torch()
    if options.dims:
        fail("E309", "`--dim` does not apply here", "a module has no symbolic dimensions", help="give `--input HxWxC`")
    if options.input is None:
        fail("E308", f"the input of `{name}` is open", "a module does not state it", help="add `--input 224x224x3`")
    return from_module(_build(package, factory), [options.input])


def _require_torch() -> None:
    try:
        import torch.export  # noqa: F401 - whether it is there
    except ImportError:
        fail_missing_library("torch", "torch", "PyTorch modules")


def _build(package: str, factory: str) -> torch.nn.Module:
    """Return the module that a factory of an importable package builds, by running its code."""
    import torch

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        built: Any = import_module(package)
        for part in factory.split("."):
            built = getattr(built, part)
        module = built if isinstance(built, torch.nn.Module) else built()
    except (Exception, SystemExit) as error:
        fail("E310", f"`torch:{package}:{factory}` cannot be built", _first_line(error))
    if not isinstance(module, torch.nn.Module):
        fail("E310", f"`torch:{package}:{factory}` builds no module", f"it gives a {type(module).__name__}")
    return module


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def from_module(module: torch.nn.Module, inputs: Sequence[Any]) -> Graph:
    """Return the graph of a module for inputs that are shapes, channels last, or example tensors with a batch of 1.

    Raises `SpecError` E311 if the module cannot be traced.
    """
    _require_torch()
    import torch

    examples = tuple(each if isinstance(each, torch.Tensor) else _example(module, each) for each in inputs)
    training = {part for part in module.modules() if part.training}
    module.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, examples, strict=False)
        program.graph.eliminate_dead_code()
    except Exception as error:
        help = "the forward pass must not depend on the values of its input; another shape, or parts of it, may do"
        fail("E311", f"`{type(module).__name__}` cannot be traced", _first_line(error), help=help)
    finally:
        for part in training:
            part.training = True
    return TorchImporter(program, module).run()


def _example(module: torch.nn.Module, shape: Sequence[int]) -> torch.Tensor:
    import torch

    *spatial, channels = shape
    like = next(module.parameters(), None)
    dtype, device = (like.dtype, like.device) if like is not None and like.is_floating_point() else (None, None)
    return torch.empty(1, channels, *spatial, dtype=dtype, device=device)
