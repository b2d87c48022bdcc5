"""The configuration of a Keras file: of a `.keras` archive, a `.h5` file, or JSON by itself."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from cnncalc.diagnostics import Source, Span, SpecError
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.hdf5 import Hdf5Error, TooLongError, read_text_attribute
from cnncalc.readers.text_file import MAX_TEXT, limit_marks, read_text

#: What stands in front of each value of JSON.
MARKS = "[{,:"

#: The most values and keys of a configuration: those of the largest models many times over.
MAX_VALUES = 500_000

#: The most digits of a whole number; the largest that means anything has far fewer.
MAX_DIGITS = 400


def read_config(path: str) -> Any:
    """Return the configuration of a model as JSON values.

    Raises `SpecError` E302 if the file has none, and E303 if it is too large.
    """
    return _parsed(_config_source(path), path)


def parsed(text: str, path: str) -> Any:
    """Return the JSON values of a text that stands in the file as a text; raises `SpecError` E302 if it is none."""
    return _parsed(Source(path, text), path)


def _parsed(source: Source, path: str) -> Any:
    limit_marks(source, MARKS, MAX_VALUES, "values")
    try:
        return json.loads(source.text, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        at = min(error.pos, max(len(source.text) - 1, 0))
        message, label = f"`{path}` is not JSON", error.msg[:1].lower() + error.msg[1:]
        fail("E302", message, label, span=Span(source, at, at + 1))
    except ValueError as error:
        fail("E302", f"`{path}` is not JSON that can be read", str(error))


def _whole_number(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)


def _config_source(path: str) -> Source:
    """Return the text of the configuration, for any of the formats."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return Source(f"{path}/config.json", _from_archive(path))
    if head.startswith(b"\x89HDF"):
        return Source(f"{path}/model_config", _from_hdf5(path))
    return read_text(path)


def _from_archive(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("config.json")
            # Others, which no writer of Keras uses, unpack to gigabytes at one step whatever size is asked for.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                fail("E302", f"`{path}` is no archive that can be read", "its config.json is not stored or deflated")
            # Read up to the limit, whatever size the archive states.
            with archive.open(member) as file:
                data = file.read(MAX_TEXT + 1)
    except KeyError:
        fail("E302", f"`{path}` has no config.json in it", "a .keras archive holds one")
    except SpecError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        fail("E302", f"`{path}` is no archive that can be read", str(error)[:200] or "it is damaged")
    except Exception as error:  # zlib has an error of its own for damaged data
        fail("E302", f"`{path}` is a damaged archive", str(error)[:200])
    if len(data) > MAX_TEXT:
        fail("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    return data.decode("utf-8", errors="replace")


def _from_hdf5(path: str) -> str:
    try:
        with open(path, "rb") as file:
            config = read_text_attribute(file, "model_config", MAX_TEXT)
    except Hdf5Error as error:
        fail("E302", f"`{path}` is no HDF5 file that can be read", str(error))
    except TooLongError:
        fail("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    if config is None:
        fail("E302", f"`{path}` has only weights", "it has no model_config", help="save the whole model")
    return config.decode("utf-8", errors="replace")
