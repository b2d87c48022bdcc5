"""Files of other tools: what they are, and what can be done."""

from pathlib import Path

import pytest

import cnncalc
from cnncalc.readers import SUFFIXES
from cnncalc.readers.foreign import FOREIGN


@pytest.mark.parametrize("suffix", FOREIGN)
def test_a_file_of_another_tool(suffix: str, tmp_path: Path) -> None:
    """The message says what the file is, and the help what leads to one that is read."""
    path = tmp_path / f"net{suffix}"
    path.write_bytes(b"\x13\x00\xfe\xffweights")
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.analyze(path)
    (found,) = error.value.diagnostics
    foreign = FOREIGN[suffix]
    assert (found.code, found.message) == ("E302", f"`{path}` is not read")
    assert (found.label, found.help) == (f"it is {foreign.what}", foreign.help)


def test_no_reader_has_such_a_suffix() -> None:
    assert FOREIGN.keys() & SUFFIXES.keys() == set()


def test_a_darknet_file_by_another_name(tmp_path: Path) -> None:
    """What a file begins with says more than its name."""
    path = tmp_path / "net.weights"
    path.write_text("[net]\nheight=8\nwidth=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\n")
    assert cnncalc.analyze(path).totals.params == 4 * 27 + 4


def test_neither_text_nor_a_model(tmp_path: Path) -> None:
    """Bytes that are no text name the files that are read."""
    path = tmp_path / "net.data"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(cnncalc.SpecError, match="it is neither text nor a known model") as error:
        cnncalc.analyze(path)
    assert (error.value.diagnostics[0].help or "").startswith("these are: .cfg, .cnn, .h5")
