"""What an interrupt (Ctrl-C) does to the program. It is imported before all else, and imports what it needs late."""

import os

#: The exit status of an interrupted program, as shells have it.
INTERRUPTED = 130


def end_at_interrupts() -> None:
    """End the process at an interrupt: raised while a module loads, it may come out as another error."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as behind `nohup`
        signal.signal(signal.SIGINT, end_interrupted)


def end_interrupted(*_: object) -> None:
    """Say so and end the process."""
    try:
        os.write(2, b"interrupted\n")
    except OSError:  # standard error is closed
        pass
    os._exit(INTERRUPTED)


class InterruptsRaised:
    """While what must not be left half done is done, an interrupt is raised where it would end the process at once."""

    def __enter__(self) -> None:
        import signal

        self.ending = signal.getsignal(signal.SIGINT) is end_interrupted
        if self.ending:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        import signal

        if self.ending:
            signal.signal(signal.SIGINT, end_interrupted)
