"""PyTorch modules, traced by `torch.export` on fake tensors: nothing is computed, and no weights are needed.

A module comes from `cnncalc.from_torch`, or on the command line from its factory, `torch:package.module:factory` or
`torch:file.py:Class`, whose code is run (`factory`). Files of pickled modules are never opened. `importer` walks the
trace, and `operators` and `sequences` have the rules of ATen's operators.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.graph import Graph
from cnncalc.layers.axis_order import misreading, without_batch
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail, fail_missing_library
from cnncalc.readers.torch import operators, sequences  # noqa: F401 - they register the rules
from cnncalc.readers.torch.factory import build, first_line
from cnncalc.readers.torch.importer import TorchImporter
from cnncalc.shape import dims_text

if TYPE_CHECKING:
    import torch


def read(name: str, options: ReadOptions) -> Graph:
    """Return the graph of the module that a name denotes, `package.module:factory` or `file.py:Class`.

    Its code is run. Raises `SpecError` E310 if there is no such name or it fails, E308 if no input is given, and as
    `from_module`.
    """
    _require_torch()
    if options.dims:
        fail("E309", "`--dim` does not apply here", "a module has no symbolic dimensions", help="give `--input HxWxC`")
    module = build(name)
    if options.input is None:
        fail("E308", f"the input of `{name}` is open", "a module does not state it", help="add `--input 224x224x3`")
    return from_module(module, [options.input, *options.more_inputs])


def _require_torch() -> None:
    try:
        import torch.export  # noqa: F401 - whether it is there
    except ImportError:
        fail_missing_library("torch", "torch", "PyTorch modules")


def from_module(module: torch.nn.Module, inputs: Sequence[Any]) -> Graph:
    """Return the graph of a module for inputs that are shapes, channels last, or example tensors with a batch of 1.

    A shape that the module takes only as channels first is read so, with a warning. Raises `SpecError` E311 if the
    module cannot be traced.
    """
    _require_torch()
    try:
        return _traced(module, inputs)
    except SpecError as error:
        turned = [_turned(each) for each in inputs]
        if error.diagnostics[0].code != "E311" or turned == list(inputs):
            raise
        try:
            graph = _traced(module, turned)
        except SpecError:
            pass
        else:
            changed = zip(inputs, turned, strict=True)
            warned = [_read_turned(before, after) for before, after in changed if before is not after]
            return graph._replace(warnings=(*warned, *graph.warnings))
        raise


def _turned(shape: Any) -> Any:
    """Return a shape that looks channels first, or has a batch, as one of channels last; anything else as it is."""
    if not isinstance(shape, tuple) or misreading(shape) is None:
        return shape
    return without_batch(shape) if len(shape) > 3 and shape[0] == 1 else (*shape[1:], shape[0])


def _read_turned(given: tuple[int, ...], read: tuple[int, ...]) -> Diagnostic:
    message = f"the module takes no input {dims_text(given)}: it is read as {dims_text(read)}, channels last"
    return Diagnostic("W204", message, help=f"write `--input {dims_text(read)}`")


def _traced(module: torch.nn.Module, inputs: Sequence[Any]) -> Graph:
    """Return the graph of a module for these inputs; raises `SpecError` E311 if it cannot be traced."""
    import torch

    examples = tuple(_example(module, each) if isinstance(each, tuple) else each for each in inputs)
    training = {part for part in module.modules() if part.training}
    module.eval()
    try:
        with _silent(), torch.no_grad():
            program = torch.export.export(module, examples, strict=False)
        program.graph.eliminate_dead_code()
    except Exception as error:
        help = "the forward pass must not depend on the values of its input; another shape, or parts of it, may do"
        fail("E311", f"`{type(module).__name__}` cannot be traced", first_line(error), help=help)
    finally:
        for part in training:
            part.training = True
    with _silent():
        return TorchImporter(program, module).run()


@contextmanager
def _silent() -> Iterator[None]:
    """Keep PyTorch's warnings and log lines, which are about its own work, from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _example(module: torch.nn.Module, shape: Sequence[int]) -> torch.Tensor:
    import torch

    *spatial, channels = shape
    like = next(module.parameters(), None)
    dtype, device = (like.dtype, like.device) if like is not None and like.is_floating_point() else (None, None)
    return torch.empty(1, channels, *spatial, dtype=dtype, device=device)
