"""Design spaces: every variant of a spec, exactly, and the best of them.

The package is the function of the library as well: `cnncalc.sweep(spec, over={"width": [0.5, 1]})`.
"""

import sys
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """The package, which can be called."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from cnncalc.sweep.library import sweep  # what it needs is imported where it is called

        return sweep(*arguments, **options)


sys.modules[__name__].__class__ = _Package
