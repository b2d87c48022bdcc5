"""Read the rates of a device: `10TFLOP/s`, `int8=40TOP/s,float32=10TFLOP/s`, `900GB/s`.

    peak      = item { "," item }
    item      = [ dtype "=" ] number prefix ( "FLOP/s" | "FLOPS" | "OP/s" | "OPS" | "MAC/s" )
    bandwidth = number ( "B/s" | "KB/s" | "MB/s" | "GB/s" | "TB/s" | "KiB/s" | "MiB/s" | "GiB/s" | "TiB/s" )

A prefix is K, M, G, T, P or E for powers of 1000. One MAC is two operations.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NoReturn

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, try_each
from cnncalc.figures.dtypes import DTYPE_SYNONYMS, DTYPES
from cnncalc.spelling import nearest

PREFIXES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

#: Operations → how many FLOPs each is.
OPERATIONS = {"FLOP/S": 1, "FLOPS": 1, "OP/S": 1, "OPS": 1, "MAC/S": 2, "MACS": 2}

NUMBER = re.compile(r"\s*(\d{1,30}(?:\.\d{1,30})?)\s*", re.ASCII)
PEAK = re.compile(r"([KMGTPE]?)(FLOP/S|FLOPS|OP/S|OPS|MAC/S|MACS)", re.IGNORECASE)
BANDWIDTH = re.compile(r"([KMGT]i?)?B/s", re.IGNORECASE)

PEAK_HELP = "write `10TFLOP/s`, or by type `float32=10TFLOP/s,int8=40TOP/s`"
BANDWIDTH_HELP = "write `900GB/s` (1000^n) or `800GiB/s` (1024^n)"


def parse_peak(text: str) -> tuple[tuple[str, Fraction], ...]:
    """Return the peaks in FLOP/s by type, without one by the empty name; raises `SpecError` E022."""
    source = Source("--peak", text)
    items = re.finditer(r"[^,]+|^$", text)
    peaks = try_each(lambda item: _peak(source, item), items)
    names = [name for name, _ in peaks]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None or not peaks:
        what = "a peak is missing" if not peaks else f"two peaks are given for {twice or 'every type'}"
        _fail(what, Span(source, 0, len(text)), "one for each type", PEAK_HELP)
    return tuple(peaks)


def _peak(source: Source, item: re.Match[str]) -> tuple[str, Fraction]:
    name, equals, _ = item.group().rpartition("=")
    start = item.start() + len(name) + len(equals)
    dtype = name.strip()
    if equals:
        dtype = DTYPE_SYNONYMS.get(dtype, dtype)
        if dtype not in DTYPES:
            near = nearest(dtype, DTYPES)
            help = f"write `{near}=`" if near else f"one of {', '.join(DTYPES)}"
            _fail(f"unknown type `{dtype}`", Span(source, item.start(), item.start() + len(name)), "not a type", help)
    number, unit = _number(source, start, item.end(), PEAK_HELP)
    match = PEAK.fullmatch(unit.text)
    if match is None:
        _fail(f"`{unit.text}` is no unit of a peak", unit, "expected operations a second", PEAK_HELP)
    return dtype, number * PREFIXES[match[1].upper()] * OPERATIONS[match[2].upper()]


def parse_bandwidth(text: str) -> Fraction:
    """Return the bandwidth in B/s; raises `SpecError` E022."""
    source = Source("--bandwidth", text)
    number, unit = _number(source, 0, len(text), BANDWIDTH_HELP)
    match = BANDWIDTH.fullmatch(unit.text)
    if match is None:
        _fail(f"`{unit.text}` is no unit of a bandwidth", unit, "expected bytes a second", BANDWIDTH_HELP)
    prefix = (match[1] or "").capitalize()
    return number * (BINARY[prefix] if prefix in BINARY else PREFIXES[prefix])


def _number(source: Source, start: int, end: int, help: str) -> tuple[Fraction, Span]:
    """Return a positive number, and what stands behind it."""
    match = NUMBER.match(source.text, start, end)
    if match is None:
        _fail("a rate is missing", Span(source, start, max(end, start + 1)), "expected a number", help)
    number = Fraction(match[1])
    if not number:
        _fail("a rate of 0", Span(source, *match.span(1)), "nothing would ever end", help)
    behind = Span(source, match.end(), max(len(source.text[:end].rstrip()), match.end()))
    return number, behind


def _fail(message: str, span: Span, label: str, help: str) -> NoReturn:
    raise SpecError([Diagnostic("E022", message, span, label, help=help)])
