"""`--deploy`, `--fit`, `--in-place` and types by part on the command line."""

from __future__ import annotations

import json

import pytest
from command_line import at_terminal, posix, run, without_colour

NET = "input 8x8x3 | conv 3x3 x4 nobias | bn | relu | fc 10"

#: 27·4 weights and 4 biases of 4 bytes, then 144·10 and 10: 124 + 1,480. 192 + 144 elements are live at most.
TABLE = """\
name      layer                    output  flash bytes           RAM live
──────────────────────────────────────────────────────────────────────────────────
input1    input 8x8x3              8x8x3                              192 ████▋
conv1     conv 3x3 x4 + bn + relu  6x6x4           124 ▊              336 ████████
flatten1  flatten (implicit)       144                                144 ███▌
fc1       fc 10                    10            1,480 ████████       154 ███▊
──────────────────────────────────────────────────────────────────────────────────
total                                            1,604                336

flash     1,604 B (1.57 KiB): 1,562 weights and biases as int8, biases int32
RAM       336 B: the arena of all feature maps, 336 B live at conv1
MACs      5,328
deployed  batch norm folded, activations fused

ram    fits: 176 B of 512 B are left
flash  does not fit: 604 B over 1,000 B; look at fc1 (1.45 KiB), conv1 (124 B)
"""


def test_fit() -> None:
    """The table, the totals and a verdict for each limit; what is exceeded is an error of status 3."""
    done = run(NET, "--deploy", "int8", "--fit", "ram=512B,flash=1KB")
    assert (done.exit_code, done.stdout) == (3, TABLE)
    assert done.stderr == "exceeded: `flash=1KB`: 1,604 B is over 1,000 B by 604 B (60.4 %)\n"
    assert run(NET, "--deploy", "int8", "--fit", "ram=336B,flash=1604B").exit_code == 0


def test_fit_in_json() -> None:
    """Budgets have the outcome of each limit, and totals what it was held to."""
    done = run(NET, "--deploy", "int8", "--fit", "ram=0.25KiB", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["deploy"], document["dtype"]) == (3, "int8", "weights=int8,bias=int32,maps=int8")
    assert document["budgets"] == [
        {
            "condition": "ram=0.25KiB",
            "figure": "totals.ram_bytes",
            "value": 336,
            "operator": ">",
            "limit": 256,
            "exceeded": True,
            "by": 80,
        }
    ]
    assert (document["totals"]["flash_bytes"], document["totals"]["ram_bytes"]) == (1604, 336)
    assert document["layers"][1]["fused"] == ["bn", "relu"]


def test_figures() -> None:
    done = run(NET, "--deploy", "int8", "--get", "flash", "--get", "ram", "--get", "conv1.live_bytes")
    assert done.stdout == "1604\n336\n336\n"
    assert run(NET, "--deploy", "int8", "--fail-if", "ram > 335B").exit_code == 3


def test_columns() -> None:
    """Traffic: 124 bytes of weights, 192 in, 144 out; then 1,480 with 144 and 10. The alias moves nothing."""
    done = run(NET, "--deploy", "int8", "--columns", "name,traffic", "--format", "csv")
    assert done.stdout == "name,traffic\ninput1,0\nconv1,460\nflatten1,0\nfc1,1634\n"


@posix
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_widths(columns: int) -> None:
    """No line is wider than the terminal, and every number is whole."""
    status, shown = at_terminal(NET, "--deploy", "int8", "--fit", "flash=1KB", columns=columns)
    lines = without_colour(shown).split("\n")
    assert (status, max(map(len, lines[:-2])) <= columns) == (3, True)
    assert {"1,604", "1,480", "336"} <= set(without_colour(shown).split())


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (
            ["--fit", "ram=1KiB"],
            2,
            "Error: `--fit` is for a network on a device: add `--deploy int8`, or another type\n",
        ),
        (
            ["--get", "ram_bytes"],
            2,
            "  = help: add `--deploy int8`, or another type: it is a figure of the network on a device\n",
        ),
        (["--deploy", "int8", "--fit", "ram=9"], 2, "  = help: write `9B`, `9KB` (1000^n) or `9KiB` (1024^n)\n"),
        (["--deploy", "int8", "--fit", "rom=9B"], 2, "  = help: write `ram=256KiB,flash=1MiB`, or one of them\n"),
        (["--deploy", "int8", "--fit", "ram<9B"], 2, "  = help: write `ram=256KiB,flash=1MiB`, or one of them\n"),
        (["--deploy", "int8", "--fit", ""], 2, "  = help: write `ram=256KiB,flash=1MiB`, or one of them\n"),
        (
            ["--deploy", "int8", "--fit", "ram=9XiB"],
            2,
            "  = help: one of K, M, G, T, or of bytes B, KB, MB, KiB, MiB, …\n",
        ),
        (["--deploy", "int8", "--fit", "ram=9B,ram=8B"], 2, "  = help: leave one of them out\n"),
        (
            ["--deploy", "int8", "--train"],
            2,
            "Error: `--train` has no effect with `--deploy`: a device does not train\n",
        ),
        (
            ["--deploy", "int8", "--dtype", "int8"],
            2,
            "Error: Invalid value for --dtype: the types of a network deployed as int8 are its own: name a part, "
            "as in maps=int8\n",
        ),
        (
            ["--dtype", "maps=int9"],
            2,
            "Error: Invalid value for '--dtype': unknown dtype 'int9': one of float32, float16, bfloat16, int8, "
            "float64, uint8, int4, int16, int32, int64\n",
        ),
    ],
)
def test_wrong(options: list[str], status: int, message: str) -> None:
    """What is wrong with an option is said, with what to write."""
    done = run(NET, *options)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.endswith(message)


def test_numbers_are_needed() -> None:
    done = run("input HxWx3 | conv 3x3 x4", "--deploy", "int8")
    assert done.exit_code == 1


def test_diff_and_compare() -> None:
    """Both compare networks as a device runs them: without what training takes, and with flash and RAM."""
    done = run("diff", NET, "input 8x8x3 | conv 3x3 x4 | relu | fc 10", "--deploy", "int8")
    assert done.exit_code == 0
    labels = [line[:22].strip() for line in done.stdout.split("total as int8, biases int32")[1].split("\n")[2:]]
    assert labels == [
        *("layers", "parameters", "buffers", "MACs", "FLOPs", "activations", "conv activations", "feature map bytes"),
        *("peak bytes", "peak bytes, none in pl", "traffic bytes", "flash bytes", "RAM bytes", "receptive field", ""),
    ]
    assert (
        "peak memory of the feature maps as int8, biases int32" in run("compare", NET, NET, "--deploy", "int8").stdout
    )


def test_help_names_types() -> None:
    assert "float32, float16, bfloat16, int8, float64, uint8, int4" in " ".join(run("calc", "--help").stdout.split())
