"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os


def write_whole(path: str, data: bytes) -> None:
    """Write a file atomically: its old contents stay until all of the data is on disk. Raises `OSError`."""
    if os.path.exists(path) and not os.path.isfile(path):
        # A device or a pipe is written to, not replaced.
        with open(path, "wb") as stream:
            stream.write(data)
        return
    import tempfile

    from cnncalc.interrupts import InterruptsRaised

    if path.endswith(os.sep):  # a folder that is not there
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    path = os.path.realpath(path)
    if os.path.islink(path):  # links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    with InterruptsRaised():
        handle, temporary = tempfile.mkstemp(prefix=".cnncalc-", dir=os.path.dirname(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
