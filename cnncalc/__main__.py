"""The program: `cnncalc`, or `python -m cnncalc`."""

import gc
import os
import sys

from cnncalc.interrupts import end_at_interrupts, end_interrupted


def run() -> None:
    """Run the command line and end the process.

    The interpreter's own shutdown is skipped: it would take a tenth of a short run's time.
    """
    status: object = 0
    try:
        end_at_interrupts()
        gc.set_threshold(200_000)  # modules have no garbage to find: collecting while they load costs 3 ms of 75
        from cnncalc.cli import main

        main(prog_name="cnncalc")
    except SystemExit as stop:
        status = stop.code
    except KeyboardInterrupt:
        end_interrupted()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it was closed when the process started
                stream.flush()
    except (OSError, ValueError):  # the reader of the output has gone
        status = status or 1
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    run()
