"""The program: `cnncalc`, or `python -m cnncalc`."""

import gc
import os
import sys


def run() -> None:
    """Run the command line and leave.

    A run lives for the blink of an eye, and a good part of that would go into tidying up: looking for cycles
    while modules load, and taking every module apart at the end. The system does both at once, for free.
    """
    gc.set_threshold(200_000)
    status: object = 0
    try:
        from cnncalc.cli import main

        main(prog_name="cnncalc")
    except SystemExit as stop:
        status = stop.code
    except KeyboardInterrupt:  # while modules load; later it is a command's
        status = 130
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed before we came
                stream.flush()
    except OSError:  # whoever read the output has gone
        status = status or 1
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    run()
