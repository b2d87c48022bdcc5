"""Looks at a space in several processes of this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_all_start_methods, get_context
from typing import Any

from cnncalc.sweep.answers import Query
from cnncalc.sweep.plans import StructurePlan
from cnncalc.sweep.search import Answer, BlockRange, pieces, work

#: The plans and the query of the process, and what was found in it so far, which tells what need not be looked at.
_state: dict[str, Any] = {}


def search_in_processes(
    plans: Sequence[StructurePlan], query: Query, workers: int, progress: Any
) -> tuple[Answer, bool]:
    """Return what is found, and whether that is all; an interrupt ends the search."""
    answer = Answer(query)
    # A copy of this process starts at once, but not safely where it has threads.
    others = set(active_children())
    alone = threading.active_count() == 1 and "fork" in get_all_start_methods()
    pool = ProcessPoolExecutor(
        workers, get_context("fork" if alone else "spawn"), initializer=_start, initargs=(plans, query)
    )
    try:
        for future in as_completed([pool.submit(_work, piece) for piece in pieces(plans)]):
            answer.merge(future.result())
            progress(answer.done, answer.kept)
    except KeyboardInterrupt:
        # A second interrupt must not leave a process behind.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - others:
            process.terminate()
        return answer, False
    pool.shutdown()
    return answer, True


def _start(plans: Sequence[StructurePlan], query: Query) -> None:
    # An interrupt is for the process that waits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _state.update(plans=plans, answer=Answer(query))


def _work(piece: BlockRange) -> Answer:
    answer: Answer = _state["answer"].afresh()
    _state["answer"] = answer
    return work(_state["plans"], piece, answer)
