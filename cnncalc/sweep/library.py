"""The sweep as a function: the variants of a design space, those that meet conditions, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.analysis import Analysis, Options
from cnncalc.diagnostics import Problems, Source, Span, SpecError, fail
from cnncalc.language.nodes import Spec
from cnncalc.sources import parse_shape, read_file, read_nodes, text_of, text_or_network
from cnncalc.sweep.answers import FailureCause, Fixed, Found, Goal, Query
from cnncalc.sweep.axes import space_of
from cnncalc.sweep.conditions import limits_of
from cnncalc.sweep.names import FigureName, find_goals, find_names, total_name
from cnncalc.sweep.one_by_one import MOST_VARIANTS, analysis_of, figures_of_analysis, has_numpy, need_numpy, search
from cnncalc.sweep.space import BYTES, Space, command_line, value_text

if TYPE_CHECKING:
    from cnncalc.sweep.engine import Engine

#: The figures that a table has besides those that are asked for.
DEFAULT_FIGURES = ("params", "macs", "activation_bytes.peak")
#: A space of more variants is not looked at whole: it would take days.
MOST_ENUMERATED = 10**12
#: Variants of a space up to this size have numbers of 64 bits.
MOST_NUMBERED = 2**62
#: A space that variants are drawn from is planned whole if that takes no more parts.
MOST_PARTS = 16
#: So many variants are shown of those that meet the conditions, where no number is given.
MOST_SHOWN = 20
#: So many variants of an answer are analyzed by themselves, for figures that are not computed for all.
MOST_ANALYZED = 2000

#: What is told of the progress: how many variants were looked at, and how many of them meet the conditions.
Progress = Callable[[int, Any], None]


class Variant(NamedTuple):
    """A variant of the answer: its number in the space, its values and figures by name, and whether on the front."""

    number: int
    values: dict[str, Any]
    figures: dict[str, Any]
    on_front: bool


class Sweep:
    """A spec with its space, and what is asked of it."""

    def __init__(
        self,
        spec: Any,
        *,
        over: Mapping[str, Any] | None = None,
        where: Sequence[str] = (),
        pareto: str | None = None,
        sort: str | None = None,
        top: int | None = None,
        columns: Sequence[str] = (),
        input: Any = None,
        variables: Mapping[str, Any] | None = None,
        batch: int = 1,
        dtype: str = "float32",
        convention: str = "torchvision",
        optimizer: str = "sgd",
        sample: int | None = None,
        seed: int = 0,
    ) -> None:
        options = Options.checked(batch, dtype, convention, optimizer)
        if options.dtype not in BYTES:
            raise ValueError(f"a sweep takes one type of whole bytes, one of {', '.join(BYTES)}, not {dtype!r}")
        self.source = _source(spec)
        #: What the spec is called on the command line.
        self.called = _name(self.source)
        problems = Problems()
        self.spec: Spec = read_nodes(self.source, problems)
        problems.raise_if_any()
        self.fixed = Fixed(
            _shape(input), dict(variables or {}), options.batch, options.dtype, options.convention, optimizer
        )
        self.whole: Space = space_of(self.spec, over or {}, self.fixed.variables)
        self.space = self.whole
        #: The numbers of the variants that were drawn.
        self.drawn: list[int] | None = None
        if sample is not None and sample < self.whole.variants:
            self.drawn = self.whole.sample(sample, seed)
            if self.whole.variants > MOST_NUMBERED or not has_numpy():
                self._draw_alone()
        self.where, self._columns = tuple(where), tuple(columns)
        #: Figures that are worked out for each variant of the answer by itself.
        self.analyzed: list[str] = []
        limits = limits_of(self.where, self.sample) if self.where else []
        front = find_goals("--pareto", pareto, self.sample) if pareto else []
        sorting = find_goals("--sort", sort, self.sample) if sort else []
        if len(sorting) > 1:
            fail("E151", f"`{sort}` is several figures", help="sort by one: `--sort params`")
        goals = [(name, sign) for name, sign in [*front, *sorting]]
        #: How many rows there are at most, and what they are sorted by.
        self.top = top
        self.order = Goal(sorting[0][0].path, sorting[0][1]) if sorting else None
        self.query = Query(
            tuple([limit for _, limit in limits]),
            tuple([Goal(name.path, sign) for name, sign in front]),
            # Of a front, the rows are the front itself, unless so many of the best are asked for.
            self.order if top is not None or not front else None,
            MOST_SHOWN if top is None else top,
        )
        asked = [*[name for name, _ in limits], *[name for name, _ in goals]]
        #: The figures of the table: those that were asked for, and the most usual ones.
        self.names = _each_once([*asked, *self._chosen()])
        self.needed = [name for name in self.names if name.path in self.query.keys]

    @property
    def sampled(self) -> bool:
        """Whether variants were drawn."""
        return self.drawn is not None

    @property
    def count(self) -> int:
        """How many variants are looked at."""
        return self.space.variants if self.drawn is None else len(self.drawn)

    def _draw_alone(self) -> None:
        """Make a space of the variants alone that were drawn, in which they have other numbers."""
        assert self.drawn is not None
        self.space = self.whole.subspace(self.drawn)
        self.drawn = list(range(len(self.drawn)))

    def _chosen(self) -> list[FigureName]:
        """Return the figures of the columns that were named, or the usual ones."""
        if not self._columns:
            return [total_name(key) for key in DEFAULT_FIGURES]
        names: list[FigureName] = []
        for column in self._columns:
            span = Span(Source("--columns", column), 0, len(column))
            try:
                names += find_names(span, self.sample)
            except SpecError as error:
                if error.diagnostics[0].code != "E151":
                    raise
                self.analyzed.append(column)
        return names

    @cached_property
    def sample(self) -> Analysis:
        """The analysis of a variant, which tells what figures there are: by the defaults, or else the first that fits.

        Raises `SpecError` if neither do.
        """
        first: SpecError | None = None
        for values in self._candidates():
            try:
                return analysis_of(self.spec, values, self.fixed)
            except SpecError as error:  # noqa: PERF203  # only until one fits
                first = first or error
        assert first is not None
        raise first

    def _candidates(self) -> Iterator[dict[str, Any]]:
        yield {}
        step = max(self.space.variants // 100, 1)
        for number in range(0, min(self.space.variants, 100 * step), step):
            yield self.space.values(number)

    @cached_property
    def engine(self) -> Engine:
        """The plans of the space; raises `SpecError` E301 if NumPy is not installed, E152 if the space is too large."""
        if self.count > MOST_ENUMERATED:
            help = "add `--sample 1000000` to draw some of them, or try fewer values"
            fail("E152", f"the space has {self.count:,} variants", label="more than 10^12", help=help)
        if not has_numpy():
            need_numpy(self.count)
        from cnncalc.sweep.engine import Engine
        from cnncalc.sweep.runs import TooLarge, TooManyRuns

        try:
            if self.drawn is None or self.space is not self.whole:
                return Engine(self.spec, self.space, self.fixed, self.names)
            try:
                return Engine(self.spec, self.space, self.fixed, self.names, self.drawn, MOST_PARTS)
            except (TooLarge, TooManyRuns):
                # What was drawn has fewer numbers than the space that it was drawn from.
                self._draw_alone()
                return Engine(self.spec, self.space, self.fixed, self.names)
        except TooManyRuns:
            help = "try fewer values of what changes the number of layers, or draw some with `--sample 10000`"
            fail("E152", "the space has more structures than can be built", help=help)

    @property
    def by_one(self) -> bool:
        """Whether variants are looked at one by one, since NumPy is not installed."""
        return self.count <= MOST_VARIANTS and not has_numpy()

    def run(self, progress: Progress | None = None, workers: int = 1, scheduler: str | None = None) -> SweepResult:
        """Look at the space; raises `SpecError` if what stands in the spec is wrong for all variants."""

        def silent(_: int, __: Any) -> None:
            pass

        tell = progress or silent
        if self.by_one:
            found = search(self.spec, self.space, self.fixed, self.needed, self.query, tell)
        else:
            found = self.engine.search(self.query, tell, workers, scheduler)
        if found.complete and len(found.failed) == 1 and found.failed.total() == found.done:
            self._raise_if_unreadable(*found.failed)
        return SweepResult(self, found)

    def _raise_if_unreadable(self, problem: FailureCause) -> None:
        """Raise the error that all variants have, if it is one of the spec itself and not of its sizes."""
        if not problem.code.startswith("E2"):
            analysis_of(self.spec, self.space.values(0), self.fixed)

    def figures(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return the figures of the table of variants, by their paths."""
        if not numbers:
            return []
        if self.by_one:
            analyses = [analysis_of(self.spec, self.space.values(number), self.fixed) for number in numbers]
            return [figures_of_analysis(each, self.names) for each in analyses]
        return self.engine.figures(numbers, [name.path for name in self.names])


class SweepResult:
    """What a sweep found. `rows` are the variants of the answer, in its order; `front` those on the front.

    `count` is the number of variants of the space, of which `done` were looked at; `kept` of them meet all conditions,
    `failed` has why others cannot be built, and how many.
    """

    def __init__(self, sweep: Sweep, found: Found) -> None:
        self.sweep, self.found = sweep, found
        self.count, self.done, self.kept, self.excluded = found.variants, found.done, found.kept, found.excluded
        self.failed = _by_place(found.failed)
        self.complete = found.complete

    @cached_property
    def rows(self) -> list[Variant]:
        """The variants of the answer: the best, or those on the front, or the first."""
        if self.found.ranking is None:
            return self.front if self.sweep.top is None else self.front[: self.sweep.top]
        return self._variants(self.found.ranking)

    @cached_property
    def front(self) -> list[Variant]:
        """The variants that no other is as good as, by the figures of `pareto`; none where these are not given."""
        return self._variants(self.found.front or [])

    def _variants(self, numbers: Sequence[int]) -> list[Variant]:
        """Return variants by their numbers, in the order of the answer."""
        front = set(self.found.front or ())
        figures = self.sweep.figures(numbers)
        rows = [
            Variant(number, self.sweep.space.values(number), row, number in front)
            for number, row in zip(numbers, figures, strict=True)
        ]
        if self.sweep.order is not None:
            key, sign = self.sweep.order
            rows.sort(key=lambda each: (each.figures[key] * sign, each.number))
        return [self._with_analyzed(each) for each in rows[:MOST_ANALYZED]] + rows[MOST_ANALYZED:]

    def _with_analyzed(self, variant: Variant) -> Variant:
        """Return a variant with the figures that are worked out for it by itself."""
        if not self.sweep.analyzed:
            return variant
        from cnncalc.query.paths import find_all

        analysis = self.analyze(variant)
        found = find_all(self.sweep.analyzed, analysis)
        return variant._replace(
            figures={
                **variant.figures,
                **{path: each.value for path, each in zip(self.sweep.analyzed, found, strict=True)},
            }
        )

    def analyze(self, variant: Variant) -> Analysis:
        """Return every figure of a variant."""
        return analysis_of(self.sweep.spec, variant.values, self.sweep.fixed)

    def command(self, variant: Variant) -> str:
        """Return the command line that calculates a variant."""
        fixed = self.sweep.fixed
        words: list[str] = []
        for name, value in fixed.variables.items():
            words += ["--var", f"{name}={value_text(value)}"]
        if fixed.input is not None and "input" not in variant.values:
            words += ["--input", value_text(fixed.input)]
        for name, value, default in (
            ("batch", fixed.batch, 1),
            ("dtype", fixed.dtype, "float32"),
            ("convention", fixed.convention, "torchvision"),
        ):
            if value != default and name not in variant.values:
                words += [f"--{name}", str(value)]
        return command_line(self.sweep.called, variant.values, words)

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each variant of the answer: its values, its figures, and whether it is on the front."""
        records = []
        for each in self.rows:
            marks = {"front": each.on_front} if self.found.front is not None else {}
            records.append(
                {**each.values, **{self.short(path): value for path, value in each.figures.items()}, **marks}
            )
        return records

    def short(self, path: str) -> str:
        """Return the name of a figure in a table: without `totals.` and `activation_bytes.`."""
        return path.removeprefix("totals.").removeprefix("activation_bytes.")

    def to_dataframe(self) -> Any:
        """Return the answer as a pandas DataFrame, a row for each variant; fractions are floats.

        Raises `ImportError` if pandas is not installed.
        """
        from cnncalc.dataframes import pandas_module

        return pandas_module().DataFrame(
            [{key: _plain(value) for key, value in each.items()} for each in self.records()]
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Variant]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<SweepResult: {self.kept:,} of {self.count:,} variants, {len(self.rows)} shown>"


def _by_place(failed: Mapping[FailureCause, int]) -> dict[FailureCause, int]:
    """Return how many variants fail by each problem, the most first; names in the messages may differ at one place."""
    places: dict[tuple[Any, ...], FailureCause] = {}
    counts: dict[FailureCause, int] = {}
    for problem, count in sorted(failed.items()):
        first = places.setdefault((problem.code, problem.line, problem.column), problem)
        counts[first] = counts.get(first, 0) + count
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return value if isinstance(value, (int, str, bool)) or value is None else float(value)


def _each_once(names: Sequence[FigureName]) -> list[FigureName]:
    return list({name.path: name for name in names}.values())


def _source(spec: Any) -> Source:
    if isinstance(spec, Source):
        return spec
    return text_of(text_or_network(spec) if isinstance(spec, str) else read_file(Path(spec)))


def _name(source: Source) -> str:
    """Return how a spec is named on the command line: the network of the zoo, the file, or the text itself."""
    return source.text if source.name.startswith("<") else source.name


def _shape(input: Any) -> tuple[Any, ...] | None:
    if input is None:
        return None
    return parse_shape(input.strip() if isinstance(input, str) else "x".join(map(str, input)))


def sweep(
    spec: Any,
    *,
    over: Mapping[str, Any] | None = None,
    where: Sequence[str] = (),
    pareto: str | None = None,
    sort: str | None = None,
    top: int | None = None,
    columns: Sequence[str] = (),
    input: Any = None,
    variables: Mapping[str, Any] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    convention: str = "torchvision",
    optimizer: str = "sgd",
    sample: int | None = None,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Look at every variant of a design space, and return those that meet the conditions, or the best of them.

    `spec` is text, the name of a zoo network or a path. The space is what its lets say, `let width = 1 in [0.5, 1, 2]`,
    and `over`: by name of a let, `input`, `batch` or `dtype` the values to try, as a list or a text such as
    `"0.5..2..0.25"`. A variant is kept if every condition of `where` holds, `"params < 1M"`. `pareto` names the figures
    of a front, the smaller the better or, with a `-`, the larger: `"-macs,params"`; `sort` and `top` keep the best by
    one figure. `sample` draws so many variants at random. `workers` is the number of processes, `scheduler` the address
    of a Dask cluster. Raises `SpecError` for what is wrong in any of these.
    """
    asked = Sweep(
        spec, over=over, where=where, pareto=pareto, sort=sort, top=top, columns=columns, input=input,
        variables=variables, batch=batch, dtype=dtype, convention=convention, optimizer=optimizer, sample=sample,
        seed=seed,
    )  # fmt: skip
    return asked.run(progress, workers, scheduler)
