"""Names of nodes after the framework modules that call their operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from cnncalc.readers.importer import UniqueNames


def _around(module: str) -> Iterator[str]:
    """Yield the modules that contain a module, from the innermost: `layer1.0.conv1` is in `layer1.0` and `layer1`."""
    while module:
        module = module.rpartition(".")[0]
        yield module


class ModuleNames:
    """Names of nodes after the framework's modules, `layer1.0.conv1`.

    An operator has its module's name if it is the only one in it, or the only leading one (a convolution leads,
    the padding before it does not); every other is numbered within its module, `layer1.0.add1`.
    """

    def __init__(self, operators: Iterable[tuple[str, bool]]) -> None:
        """Take the module of each operator, and whether the operator leads there."""
        self.names = UniqueNames()
        listed = list(operators)
        self._all = Counter(module for module, _ in listed)
        self._leading = Counter(module for module, leads in listed if leads)
        self._containers = {outer for module in self._all for outer in _around(module) if outer in self._all}

    def name_of(self, module: str, leads: bool) -> tuple[str | None, str]:
        """Return an operator's name, or None if it is to be numbered, and its scope with a trailing dot."""
        if not module:
            return None, ""
        alone = self._all[module] == 1 or (leads and self._leading[module] == 1)
        if alone and module not in self._containers:
            return self.names(module), ""
        return None, f"{module}."
