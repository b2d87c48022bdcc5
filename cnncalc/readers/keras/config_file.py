"""Where a Keras file has its configuration: a `.keras` archive, a `.h5` file, or JSON by itself."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from cnncalc.diagnostics import Source, Span
from cnncalc.readers.errors import fail, fail_missing_library
from cnncalc.readers.text_file import MAX_TEXT, read_text


def read_config(path: str) -> Any:
    """The configuration of a model as JSON values; raises `SpecError` E302 where the file has none."""
    source = _config_source(path)
    try:
        return json.loads(source.text)
    except json.JSONDecodeError as error:
        at = min(error.pos, max(len(source.text) - 1, 0))
        message, label = f"`{path}` is not JSON", error.msg[:1].lower() + error.msg[1:]
        fail("E302", message, label, span=Span(source, at, at + 1))
    except ValueError as error:  # an integer of thousands of digits
        fail("E302", f"`{path}` is not JSON that can be read", str(error)[:200])


def _config_source(path: str) -> Source:
    """The text of the configuration, wherever the file has it."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return Source(f"{path}/config.json", _from_archive(path))
    if head.startswith(b"\x89HDF"):
        return Source(f"{path}/model_config", _from_hdf5(path))
    return read_text(path)


def _from_archive(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            # Read up to the limit, whatever size the archive states.
            data = file.read(MAX_TEXT + 1)
    except KeyError:
        fail("E302", f"`{path}` has no config.json in it", "a .keras archive holds one")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        fail("E302", f"`{path}` is no archive that can be read", str(error)[:200] or "it is damaged")
    except Exception as error:  # zlib and lzma have errors of their own for damaged data
        fail("E302", f"`{path}` is a damaged archive", str(error)[:200])
    if len(data) > MAX_TEXT:
        fail("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    return data.decode("utf-8", errors="replace")


def _from_hdf5(path: str) -> str:
    try:
        import h5py
    except ImportError:
        fail_missing_library("h5py", "keras", "HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
    except Exception as error:  # whatever a damaged file makes of the library
        fail("E302", f"`{path}` is no HDF5 file that can be read", str(error)[:200])
    if config is None:
        fail("E302", f"`{path}` has only weights", "it has no model_config", help="save the whole model")
    text = config.decode("utf-8", errors="replace") if isinstance(config, bytes) else str(config)
    if len(text) > MAX_TEXT:
        fail("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    return text
