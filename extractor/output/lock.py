"""One run at a time writes an output: the lock on its `.part` file."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path


def open_locked(path: Path) -> io.FileIO | None:
    """Open a file, created if missing, and lock it for this process; None if another process has it.

    The lock goes with the process, so a killed run leaves none behind.
    """
    while True:
        stream = io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
        if not _lock(stream):
            stream.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), os.stat(path)):
                return stream
        # Another run ended between our open and our lock, and moved or deleted the file.
        stream.close()


def _lock(stream: io.FileIO) -> bool:
    """Whether this process now has the file to itself."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True
