"""What data frames are made with, which is an extra."""

from __future__ import annotations

from typing import Any


def pandas_module() -> Any:
    """Return the module pandas; raises `ImportError` that says how to get it."""
    try:
        import pandas
    except ImportError:
        message = 'to_dataframe() needs pandas, which is not installed: pip install "cnncalc[pandas]"'
        raise ImportError(message, name="pandas") from None
    return pandas
