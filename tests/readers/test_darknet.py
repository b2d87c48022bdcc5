"""What Darknet's forks read in a cfg file: each kind of section and option, small, with its figures by hand.

Sizes and the weights of each section were checked against Darknet itself (AlexeyAB's, of December 2025, built from its
source): the table that it prints, and the length of the file of weights that it saves. The sections of ScaledYOLOv4
and YOLOR are those of their `models.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import cnncalc

NET = "[net]\nheight=12\nwidth=16\nchannels=3\n"

#: 12x16x4: 3·3·3·4 weights and 4 biases.
CONV = "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=linear\n"
CONV_WEIGHTS = 112


def analyzed(tmp_path: Path, text: str) -> cnncalc.Analysis:
    path = tmp_path / "net.cfg"
    path.write_text(text, encoding="utf-8")
    return cnncalc.analyze(path)


#: Sections behind `CONV`: the shape they end in, and the weights they add: trained, frozen, buffers.
SECTIONS = {
    "the first of a key given twice": ("[convolutional]\nfilters=8\nfilters=16\nsize=1", (12, 16, 8), (40, 0, 0)),
    "text behind a number": ("[convolutional]\nfilters=8 # 16, or 32\nsize=1x\n", (12, 16, 8), (40, 0, 0)),
    "text behind a list": ("[route]\nlayers = -1, 0 ### both, twice", (12, 16, 8), (0, 0, 0)),
    "white space within a line": ("[ conv ]\nfil ters = 1 6\n\tsize\t=1", (12, 16, 16), (80, 0, 0)),
    "text behind a heading": ("[maxpool] # halves\nsize=2\nstride=2", (6, 8, 4), (0, 0, 0)),
    # One filter of one tap and 4 channels, unless the file says otherwise.
    "no filters": ("[convolutional]\nactivation=linear", (12, 16, 1), (5, 0, 0)),
    # 3·3·4·2 + 2; a dilated window is padded by its dilation, and so as large as before.
    "dilation": ("[convolutional]\nfilters=2\nsize=3\npad=1\ndilation=3", (12, 16, 2), (74, 0, 0)),
    # (12 + 2·1 − 2)/2 + 1 = 7 and (16 + 2·1 − 2)/2 + 1 = 9, whatever the dilation.
    "dilation of an even window": ("[conv]\nfilters=2\nsize=2\nstride=2\npad=1\ndilation=3", (7, 9, 2), (34, 0, 0)),
    # (12 + 2·1 − 5)/3 + 1 = 4 and (16 + 2·1 − 5)/3 + 1 = 5.
    "padding of its own": ("[conv]\nfilters=2\nsize=5\nstride=3\npadding=1\ndilation=2", (4, 5, 2), (202, 0, 0)),
    "dilation of a window of 1": ("[conv]\nfilters=2\ndilation=3", (12, 16, 2), (10, 0, 0)),
    "strides apart": ("[conv]\nfilters=2\nstride=2\nstride_x=1", (6, 16, 2), (10, 0, 0)),
    "a stride that is none": ("[conv]\nfilters=2\nstride=2\nstride_x=-1", (6, 8, 2), (10, 0, 0)),
    # Binary convolutions have no groups: 4·2 + 2.
    "xnor": ("[conv]\nfilters=2\ngroups=2\nxnor=1", (12, 16, 2), (10, 0, 0)),
    "cbn": ("[conv]\nfilters=2\ncbn=1", (12, 16, 2), (8 + 4, 0, 4)),
    # The blur's weights are constants, in no file of weights.
    "antialiasing": ("[conv]\nfilters=2\nstride=2\nantialiasing=1", (6, 8, 2), (10, 0, 0)),
    "antialiasing of a pool": ("[maxpool]\nsize=2\nstride=2\nantialiasing=2", (6, 8, 4), (0, 0, 0)),
    "strides of a pool": ("[maxpool]\nsize=2\nstride=2\nstride_x=1", (6, 16, 4), (0, 0, 0)),
    # (12 + 5 − 3)/2 + 1 = 8 and (16 + 5 − 3)/2 + 1 = 10: more than half of the window.
    "a pool padded over half": ("[maxpool]\nsize=3\nstride=2\npadding=5", (8, 10, 4), (0, 0, 0)),
    "maxpool_depth": ("[maxpool]\nmaxpool_depth=1\nout_channels=2\nsize=2\nstride=2", (12, 16, 2), (0, 0, 0)),
    "local_avgpool": ("[local_avgpool]\nsize=2\nstride=2", (6, 8, 4), (0, 0, 0)),
    "normalization": ("[normalization]\nsize=5", (12, 16, 4), (0, 0, 0)),
    "upsample by a negative stride": ("[upsample]\nstride=-2", (6, 8, 4), (0, 0, 0)),
    "reorg": ("[reorg]\nstride=2", (6, 8, 16), (0, 0, 0)),
    "reorg of YOLOR": ("[reorg]", (6, 8, 16), (0, 0, 0)),
    "reorg that leaves a rest": ("[reorg]\nstride=3", (4, 5, 36), (0, 0, 0)),
    "reorg backwards": ("[reorg]\nstride=2\nreverse=1", (24, 32, 1), (0, 0, 0)),
    # 12·16·4 elements, and one more.
    "reorg with an extra": ("[reorg]\nextra=1", (769,), (0, 0, 0)),
    # ceil(12/2) · ceil(16/2) places of 3·3·4·2 weights, and a bias for each output.
    "local with padding": ("[local]\nfilters=2\nsize=3\nstride=2\npad=1", (6, 8, 2), (48 * 72 + 96, 0, 0)),
    "crop": ("[crop]\ncrop_height=5\ncrop_width=6", (5, 6, 4), (0, 0, 0)),
    "history": ("[history]\nhistory_size=3", (12, 16, 12), (0, 0, 0)),
    "l2norm": ("[l2norm]", (12, 16, 4), (0, 0, 0)),
    "logistic": ("[logistic]", (12, 16, 4), (0, 0, 0)),
    "an unknown activation": ("[activation]\nactivation=sine", (12, 16, 4), (0, 0, 0)),
    "another activation": ("[activation]\nactivation=hard_mish", (12, 16, 4), (0, 0, 0)),
    "Gaussian_yolo": ("[conv]\nfilters=9\n[Gaussian_yolo]\nclasses=0\nnum=1", (12, 16, 9), (45, 0, 0)),
    # 3·3·4·8 + 3·3·8·8 + 3·3·8·6 weights; batch norms of 8, 8 and 6 channels.
    "crnn": (
        "[crnn]\nbatch_normalize=1\nsize=3\npad=1\nhidden=8\noutput=6",
        (12, 16, 6),
        (288 + 576 + 432 + 44, 0, 44),
    ),
    "crnn of Redmon": ("[crnn]\nhidden_filters=8\noutput_filters=6", (12, 16, 6), (288 + 576 + 432 + 22, 0, 0)),
    # 4 gates of 3·3·4·6 and 3·3·6·6 weights with 6 biases each.
    "conv_lstm": ("[conv_lstm]\noutput=6\npad=1", (12, 16, 6), (4 * (216 + 6) + 4 * (324 + 6), 0, 0)),
    "conv_lstm with peepholes": (
        "[conv_lstm]\noutput=6\npad=1\npeephole=1\nbatch_normalize=1",
        (12, 16, 6),
        (4 * (216 + 12) + 7 * (324 + 12), 0, 11 * 12),
    ),
    # 4 gates of the input, and one convolution of 12 channels in 2 groups.
    "conv_lstm with a bottleneck": (
        "[conv_lstm]\noutput=6\npad=1\ngroups=2\nbottleneck=1",
        (12, 16, 6),
        (4 * (108 + 6) + 324 + 6, 0, 0),
    ),
    # 768 inputs: 4·(768·7 + 7) and 4·(7·7 + 7); then 3 gates; a convolution of a vector is of an image of one place.
    "lstm": ("[lstm]\noutput=7\n[conv]\nfilters=2", (1, 1, 2), (4 * 5383 + 4 * 56 + 16, 0, 0)),
    "gru": ("[gru]\noutput=7\nbatch_normalize=1", (7,), (3 * (5376 + 14) + 3 * (49 + 14), 0, 6 * 14)),
    "rnn": ("[rnn]\nhidden=9\noutput=7", (7,), (768 * 9 + 9 + 90 + 70, 0, 0)),
    "rnn of Redmon": ("[rnn]\noutput=7", (7,), (768 * 7 + 7 + 56 + 56, 0, 0)),
    "a vector that is pooled": ("[connected]\noutput=6\n[maxpool]\nstride=1", (1, 1, 6), (768 * 6 + 6, 0, 0)),
    # The weights and biases are those of the convolution before it.
    "share_index": ("[conv]\nfilters=4\n[conv]\nfilters=4\nshare_index=-1", (12, 16, 4), (20, 0, 0)),
    "a shared norm": ("[conv]\nfilters=4\nbatch_normalize=1\n[conv]\nfilters=4\nbatch_normalize=1\nshare_index=1",
                      (12, 16, 4), (16 + 8, 0, 8)),
    "a weighted shortcut": ("[conv]\nfilters=4\n[shortcut]\nfrom=-2,0\nweights_type=per_channel", (12, 16, 4),
                            (20 + 3 * 4, 0, 0)),
    "a shortcut with a weight for each": ("[conv]\nfilters=4\n[shortcut]\nfrom=-2\nweights_type=per_feature",
                                          (12, 16, 4), (20 + 2, 0, 0)),
    "a shortcut of unequal channels": ("[conv]\nfilters=6\n[shortcut]\nfrom=0", (12, 16, 6), (30, 0, 0)),
    "groups of a route": ("[route]\nlayers=-1\ngroups=2\ngroup_id=1", (12, 16, 2), (0, 0, 0)),
    "half of a route": ("[route_lhalf]\nlayers=-1", (12, 16, 2), (0, 0, 0)),
    "sam": ("[conv]\nfilters=4\n[sam]\nfrom=-2", (12, 16, 4), (20, 0, 0)),
    "scale_channels": ("[avgpool]\n[scale_channels]\nfrom=-2", (12, 16, 4), (0, 0, 0)),
    "implicit": ("[implicit]\nfilters=4\natoms=2", (2, 1, 4), (8, 0, 0)),
    "shift_channels": ("[implicit_add]\nfilters=4\n[route]\nlayers=0\n[shift_channels]\nfrom=1", (12, 16, 4),
                       (4, 0, 0)),
    "control_channels": ("[implicit_mul]\nfilters=4\n[route]\nlayers=0\n[control_channels]\nfrom=1", (12, 16, 4),
                         (4, 0, 0)),
    "alternate_channels": ("[implicit_cat]\nfilters=4\n[route]\nlayers=0\n[alternate_channels]\nfrom=1", (12, 16, 8),
                           (4, 0, 0)),
    "select_channels of two axes": (
        "[implicit_mul_2d]\nfilters=2\natoms=2\n[route]\nlayers=0\n[select_channels_2d]\nfrom=1", (12, 16, 4),
        (4, 0, 0)),
    # 3·3·4·6; offsets 2·9·(3·3·4 + 1), factors 9·(3·3·4 + 1).
    "deformableconvolutional": ("[deformableconvolutional]\nbatch_normalize=1\nfilters=6\nsize=3\npad=1\n"
                                "activation=leaky", (12, 16, 6), (216 + 666 + 333 + 12, 0, 12)),
    "weights before stopbackward": ("[conv]\nfilters=2\nstopbackward=1", (12, 16, 2), (10 - 112, 112, 0)),
    "what training has": ("[cost]\ntype=sse\n[contrastive]\nclasses=3\n[empty]", (12, 16, 4), (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SECTIONS)
def test_section(tmp_path: Path, kind: str) -> None:
    """Each section has Darknet's size and weights, and none is unknown."""
    text, shape, weights = SECTIONS[kind]
    result = analyzed(tmp_path, f"{NET}{CONV}{text}\n")
    totals = result.totals
    assert (result.unknown, result.rows[-1].output_shape) == ((), shape)
    assert (totals.params - CONV_WEIGHTS, totals.frozen, totals.buffers) == weights


def test_macs_of_a_composite(tmp_path: Path) -> None:
    """A section that applies several layers inside has their MACs: at 12·16 places, 1,296 weights of convolutions."""
    row = analyzed(tmp_path, f"{NET}{CONV}[crnn]\nsize=3\npad=1\nhidden=8\noutput=6\n").rows[-1]
    assert (row.name, row.macs) == ("crnn1", 12 * 16 * 1296)


def test_length_of_a_vector(tmp_path: Path) -> None:
    """A net may state the number of its inputs alone."""
    assert analyzed(tmp_path, "[net]\ninputs=20\n[connected]\noutput=5\n").totals.params == 105


WARNED = f"{NET}height=9\njunk\n[maxpool]\nstride=\nsize=2\nactivation=none\n[activation]\nactivation=sine\n"


def test_warnings(tmp_path: Path) -> None:
    """What Darknet passes over with a message is a warning that names the line."""
    assert [(each.code, each.message) for each in analyzed(tmp_path, WARNED).warnings] == [
        ("W302", "line 5 is passed over: `[net]` has `height=12` before it"),
        ("W302", "line 6 is passed over: `junk` is no `name=value`"),
        ("W302", "line 8 is passed over: `stride=` is no `name=value`"),
        ("W302", "line 12 is passed over: `sine` is no activation, and Darknet takes `relu`"),
    ]


def test_many_warnings(tmp_path: Path) -> None:
    """After twenty warnings the others are counted."""
    warnings = analyzed(tmp_path, NET + "junk\n" * 1030).warnings
    assert (len(warnings), warnings[-1].message) == (21, "1,010 more are passed over")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("junk\n[net]\n", "a line stands before the first section"),
        ("[net]\n[convolutional\n", "a heading has no end"),
        ("[net]\nheight=8\n", r"`\[net\]` leaves the size of its input open"),
        (f"{NET}{CONV}[maxpool]\n[conv]\nfilters=4\nshare_index=1\n", "layer 1 is no convolution whose weights"),
        (f"{NET}{CONV}[conv]\nfilters=4\nshare_index=0\n", "the weights of layer 0 do not fit"),
        (f"{NET}{CONV}[conv]\nshare_index=7\n", "there is no layer 7 before this one"),
        (f"{NET}[reorg]\nstride=13\n", "leaves nothing of 12x16x3"),
        (f"{NET}[route]\nlayers=none\n", r"`\[route\]` needs layers"),
        (f"{NET}[crnn]\nsize=40\n", "output of `conv1` would be empty"),
        (f"{NET}[conv_lstm]\nsize=40\n", "output of `conv1` would be empty"),
        # The state is smaller than the input, and smaller than the window.
        (f"{NET}[conv_lstm]\nsize=9\n", "output of `conv_lstm` would be empty"),
        (f"{NET}[local]\nsize=40\n", "output of `conv1` would be empty"),
        (f"{NET}[deformableconvolutional]\nsize=40\n", "output of `conv1` would be empty"),
    ],
)
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    """What Darknet cannot run either is an error at its place."""
    with pytest.raises(cnncalc.SpecError, match=message):
        analyzed(tmp_path, text)


#: Sections that need a known shape; behind an unknown one they are unknown as well.
NEEDING_SHAPES = (
    "local\nsize=3", "crnn", "conv_lstm", "lstm", "rnn", "reorg", "crop", "history", "yolo", "upsample\nstride=-2",
    "maxpool\nmaxpool_depth=1", "deformableconvolutional", "alternate_channels\nfrom=0", "conv\nsize=3",
)  # fmt: skip


@pytest.mark.parametrize("section", NEEDING_SHAPES)
def test_behind_an_unknown_section(tmp_path: Path, section: str) -> None:
    """No section behind one of unknown shape ends the reading."""
    name, *options = section.split("\n")
    result = analyzed(tmp_path, NET + f"[hologram]\n[{name}]\n" + "\n".join(options))
    assert result.unknown[0].description == "hologram (unknown)"
