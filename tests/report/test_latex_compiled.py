"""LaTeX tables, set by a real LaTeX: all that a paper needs in front of them is the package booktabs.

Debian's `texlive-latex-base` and `texlive-latex-recommended` have all that it takes; `.ci/run` installs them, and sets
`CI`, where this file is not passed over.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("pdflatex") and not os.environ.get("CI"), reason="there is no LaTeX here"),
]

DOCUMENT = r"""\documentclass[a4paper]{article}
\usepackage{booktabs}
\begin{document}
\noindent
%s
\end{document}
"""

#: The table of a paper: five networks at two sizes. Parameters are torchvision's, MACs those of its table at 224.
PAPER = ("compare", "resnet18", "resnet50", "vgg16", "mobilenet_v2", "densenet121")
SIZES = ("--input", "224x224x3", "--input", "288x288x3")
ROWS = {
    "resnet18": ("11.69", "1.81"),
    "resnet50": ("25.56", "4.09"),
    "vgg16": ("138.36", "15.47"),
    r"mobilenet\_v2": ("3.50", "0.30"),
    "densenet121": ("7.98", "2.83"),
}


def typeset(table: str, folder: Path) -> str:
    """Typeset a document with the table on one page; return the log."""
    (folder / "paper.tex").write_text(DOCUMENT % table, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "paper.log").read_text("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert "Output written on paper.pdf (1 page" in log
    assert (folder / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert not re.findall(r"Missing character.*|LaTeX Warning.*|Undefined.*", log)
    return log


def latex(*arguments: str) -> str:
    done = run(*arguments, "--format", "latex")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_table_of_a_paper(tmp_path: Path) -> None:
    """One command is the table of five networks at two sizes; it fits the page as it is."""
    table = latex(*PAPER, *SIZES, "--columns", "network,mparams,gmacs,gflops")
    rows = [line.removesuffix(r" \\").split(" & ") for line in table.splitlines() if "times" in line]

    assert len(rows) == 10
    assert [(name, size) for name, size, *_ in rows[:2]] == [
        ("resnet18", r"224$\times$224$\times$3"),
        ("resnet18", r"288$\times$288$\times$3"),
    ]
    assert {name: (params, macs) for name, _, params, macs, _ in rows[::2]} == ROWS
    assert "Overfull" not in typeset(table, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        (*PAPER, *SIZES, "--relative", "--sort", "-macs"),
        (*PAPER, "--units", "M", "--columns", "all"),
        ("compare", "let w_1 = 1\ninput 8x8x3 | conv 3x3 x{w_1} # 100 % & more", "--var", "w_1=1,2"),
        ("lenet5", "--columns", "all"),
        ("resnet50", "--top", "3", "macs", "--units", "auto"),
        ("input HxWx3 | (conv 3x3 s2 same x8 | bn) * 2 | add(relu ; ) | pool 3 ceil | gap | fc 10", "--columns", "all"),
        ("input 8x8x4 | (" + "relu | " * 9 + "bn) * 3 | upsample 2 | conv 3x3 same x4", "--depth", "1"),
        ("input 30x30x8 | conv 3x3 s2 x4 as a_b", "--convention", "fvcore"),
        ("zoo", "resnet"),
    ],
    ids=["relative", "units", "variables", "layers", "top", "letters", "repeats", "convention", "zoo"],
)
def test_every_table(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever a table has in it, LaTeX sets it, every sign of it."""
    typeset(latex(*arguments), tmp_path)
