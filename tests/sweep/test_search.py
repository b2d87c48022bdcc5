"""A search finds the same whatever it is done with: one variant after the other, chunks, processes, a cluster."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from sweeping import SPACE

import cnncalc
from cnncalc.sweep import chunks, cluster, one_by_one, planning, runs, search
from cnncalc.sweep.answers import Found
from cnncalc.sweep.engine import Engine
from cnncalc.sweep.library import Sweep

ASKED: list[dict[str, Any]] = [
    {"where": ["params < 20k", "macs >= 1000"], "top": 7},
    {"pareto": "-macs,params"},
    {"pareto": "params,macs,-peak", "sort": "-training_bytes", "top": 9, "where": ["output_shape.0 > 10"]},
    {"sort": "peak", "top": 5, "where": ["params > 1.5k", "layers != 12", "macs < 9999999999999999999999"]},
    {"sort": "-conv4.receptive_field.left.0", "top": 6, "where": ["mixed.macs > 100", "conv4.receptive_field >= 4"]},
    {"where": ["params == 1"]},
]


def silent(*_: Any) -> None:
    pass


def places(found: Found) -> Any:
    """What was found, with the errors by place, since their messages have names in them."""
    failed: dict[Any, int] = {}
    for problem, count in found.failed.items():
        key = problem.code, problem.line, problem.column
        failed[key] = failed.get(key, 0) + count
    return found._replace(failed=failed)  # type: ignore[arg-type]  # for comparison alone


def one_after_the_other(asked: Sweep) -> Found:
    return one_by_one.search(asked.spec, asked.space, asked.fixed, asked.needed, asked.query, silent)


#: A part of the space, since each variant is built by itself as well.
OVER = {"w": [1, 5], "n": [0, 1, 3], "size": [5, 24], "k": [3, 8], "g": [1, 3]}


@pytest.mark.parametrize("options", ASKED, ids=str)
def test_one_by_one(options: dict[str, Any]) -> None:
    """Chunks find what looking at each variant by itself finds, and count the same."""
    asked = Sweep(SPACE, over=OVER, **options)
    engine = Engine(asked.spec, asked.space, asked.fixed, asked.names)
    assert places(engine.search(asked.query, silent)) == places(one_after_the_other(asked))


@pytest.mark.parametrize("options", ASKED[1:3], ids=str)
def test_pieces(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks and pieces, merged in any order, find the same; so does a space that is cut into parts."""
    asked = Sweep(SPACE, over=OVER, **options)
    expected = places(Engine(asked.spec, asked.space, asked.fixed, asked.names).search(asked.query, silent))
    monkeypatch.setattr(runs, "MOST_NUMBERS", 12)
    monkeypatch.setattr(chunks.blocks, "__defaults__", (5,))
    engine = Engine(asked.spec, asked.space, asked.fixed, asked.names)
    assert len(engine.plans) > len({plan.shape for plan in engine.plans})
    answers = [search.work(engine.plans, piece, search.Answer(asked.query)) for piece in search.pieces(engine.plans, 3)]
    assert len(answers) > 10
    whole = search.Answer(asked.query)
    for answer in reversed(answers):
        whole.merge(answer)
    assert places(engine.found(whole, True)) == expected
    # States that depend on too many axes are combined chunk by chunk.
    monkeypatch.setattr("cnncalc.sweep.plans.MOST_STATES", 1)
    apart = Engine(asked.spec, asked.space, asked.fixed, asked.names)
    assert places(apart.search(asked.query, silent)) == expected


def test_a_value_past_the_cache() -> None:
    """Peaks of steps on many axes are compared step by step where they are not added up beforehand."""
    options: Any = {"sort": "peak", "top": 4}
    expected = cnncalc.sweep(SPACE, over=OVER, **options).rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnncalc.sweep.figures.MOST_ADDED", 2)
        assert cnncalc.sweep(SPACE, over=OVER, **options).rows == expected


def test_workers() -> None:
    """Two processes find what one does."""
    options: Any = {"over": OVER, "pareto": "-macs,params", "sort": "params", "where": ["params < 50k"]}
    one, two = cnncalc.sweep(SPACE, **options), cnncalc.sweep(SPACE, **options, workers=2)
    assert (two.rows, two.failed, two.kept, two.done) == (one.rows, one.failed, one.kept, one.done)


def test_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt ends a search with what is known by then."""
    seen = []

    def interrupt(done: int, _: Any) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(search.pieces, "__defaults__", (4,))
    monkeypatch.setattr(chunks.blocks, "__defaults__", (4,))
    result = cnncalc.sweep(SPACE, over=OVER, progress=interrupt)
    assert not result.complete
    assert result.done == seen[-1] < result.count
    assert len(result.rows) <= result.kept
    by_one = Sweep(SPACE, over=OVER)
    seen.clear()
    found = one_by_one.search(by_one.spec, by_one.space, by_one.fixed, by_one.needed, by_one.query, interrupt)
    assert (found.complete, found.done) == (False, 2)


@pytest.mark.slow
def test_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dask cluster finds what one process does, though a worker is killed in the middle of it."""
    distributed = pytest.importorskip("dask.distributed")
    over = {"width": "0.3..1.6..0.02", "depth": "0.5..2..0.05", "size": "64..320..16"}
    options: Any = {"over": over, "where": ["params < 6M"], "pareto": "-macs,peak", "sort": "-macs", "top": 25}
    expected = cnncalc.sweep("efficientnet_b0", **options)
    monkeypatch.setattr(cluster.search_on_cluster, "__defaults__", (500,))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as workers,
        distributed.Client(workers) as client,
    ):
        killed = []

        def kill_one(done: int, _: Any) -> None:
            if not killed and done > expected.count // 10:
                pid = next(iter(client.run(os.getpid).values()))
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

        found = cnncalc.sweep("efficientnet_b0", **options, scheduler=workers.scheduler_address, progress=kill_one)
    assert killed
    assert found.rows == expected.rows
    assert (found.kept, found.done, found.failed) == (expected.kept, expected.done, expected.failed)


def test_no_scheduler() -> None:
    """An address where nothing answers is an error."""
    pytest.importorskip("dask.distributed")
    with pytest.raises(cnncalc.SpecError, match=r"E152.*no Dask scheduler answers at `nowhere`"):
        cnncalc.sweep("lenet5", over={"classes": [1, 2]}, scheduler="nowhere")


def test_plans_of_parts() -> None:
    """Parts of a space have plans whose positions are those of the whole."""
    asked = Sweep("let a = 1 in [1..9], b = 1 in [1..7]\ninput 4x4x{a} | conv 1 x{b}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "MOST_NUMBERS", 20)
        found = planning.plans(asked.spec, asked.space, asked.fixed, asked.names)
    assert len(found) == 4
    assert sum(plan.variants for plan in found) == 63
    rows = planning.figures_of(found, [0, 40, 62], ["totals.params"])
    assert [row["totals.params"] for row in rows] == [1 + 1, (6 + 1) * 6, (9 + 1) * 7]
