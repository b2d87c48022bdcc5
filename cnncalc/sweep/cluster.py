"""Looks at a space on a Dask cluster. Dask does again what a lost worker had done."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from typing import Any

from cnncalc.diagnostics import fail
from cnncalc.sweep.answers import Query
from cnncalc.sweep.plans import StructurePlan
from cnncalc.sweep.search import PIECE, Answer, BlockRange, pieces, work

#: So many answers are merged by one task.
MERGED = 8
#: A connection is waited for so long.
TIMEOUT = "10s"


def search_on_cluster(
    plans: Sequence[StructurePlan], query: Query, address: str, progress: Any, size: int = PIECE
) -> tuple[Answer, bool]:
    """Return what is found, and whether that is all; an interrupt ends the search.

    Raises `SpecError`: E301 if Dask is not installed, E152 if nothing answers at the address.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        help = 'install it with `pip install "cnncalc[cluster]"`'
        fail("E301", "a sweep on a cluster needs `dask`", label="`dask` is not installed", help=help)
    try:
        client = Client(address, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        label = str(error).splitlines()[0]
        help = "name the address that `dask scheduler` prints: `tcp://host:8786`"
        fail("E152", f"no Dask scheduler answers at `{address}`", label=label, help=help)
    with client, warnings.catch_warnings():
        # The plans are part of the graph, so that they can be made again where they are lost.
        warnings.simplefilter("ignore", UserWarning)
        loaded = client.submit(pickle.loads, pickle.dumps(list(plans)))
        work_of = pieces(plans, size)
        leaves = [client.submit(_work, loaded, piece, query, pure=False) for piece in work_of]
        level = leaves or [client.submit(Answer, query, pure=False)]
        while len(level) > 1:
            level = [
                client.submit(_merged, level[at : at + MERGED], query, pure=False)
                for at in range(0, len(level), MERGED)
            ]
        counts = {leaf.key: piece.variants for leaf, piece in zip(leaves, work_of, strict=True)}
        done = 0
        try:
            for leaf in as_completed(leaves):
                done += counts[leaf.key]
                progress(done, None)
            answer: Answer = level[0].result()
        except KeyboardInterrupt:
            finished = [leaf.result() for leaf in leaves if leaf.status == "finished"]
            return _merged(finished, query), False
    return answer, True


def _work(plans: Sequence[StructurePlan], piece: BlockRange, query: Query) -> Answer:
    return work(plans, piece, Answer(query))


def _merged(answers: Sequence[Answer], query: Query) -> Answer:
    result = Answer(query)
    for each in answers:
        result.merge(each)
    return result
