"""Serve a model file with llama.cpp, in this process and on loopback only."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from extractor.errors import CannotServeError, ModelMissingError


@contextmanager
def serve(path: Path, *, threads: int | None = None, context: int = 8192) -> Iterator[str]:
    """Serve the model on a free port of 127.0.0.1 during the block, and yield the base URL.

    `context` is in tokens. The server takes one request at a time and reuses the prefix of the previous one.
    """
    try:
        xllamacpp = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise ModelMissingError("The embedded model needs xllamacpp, which is not installed.") from error
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    # The model's name in replies. The default is the path, which should stay private.
    settings.model_alias = {path.stem}
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.cors_origins = "http://127.0.0.1"  # the default lets any web page in the user's browser ask
    settings.ui = False
    settings.verbosity = 0  # llama.cpp writes hundreds of lines to standard error
    settings.n_ctx = context
    settings.n_parallel = 1
    settings.n_batch = 512  # stopping waits for the current batch: up to 9 s on two cores (default: 35 s)
    settings.cache_ram_mib = 512  # prompts kept for reuse; the default is 8 GB
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads or _cores()
    try:
        with _interrupts_deferred():
            server = xllamacpp.Server(settings)
    except RuntimeError as error:
        raise CannotServeError(f"llama.cpp cannot load {str(path)!r}.") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server  # the destructor stops the loop and joins the thread


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block: a signal that reaches llama.cpp while it loads makes it hang."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cores() -> int:
    """Cores that this process may use. Hyperthreads do not count: using them too is slower."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        cores = min(cores, round(int(quota) / int(period)))  # "max 100000" means no quota: ValueError
    with suppress(OSError):
        if Path("/sys/devices/system/cpu/smt/active").read_text("ascii").strip() == "1":
            cores //= 2
    return max(1, cores)
