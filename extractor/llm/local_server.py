"""Serve a model file with llama.cpp, in this process and on loopback."""

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
    """Serve the model on a free port of 127.0.0.1; yields the base URL, and stops with the block.

    `context` is in tokens. One request at a time; the prefix of the one before is reused.
    """
    try:
        xllamacpp = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise ModelMissingError("The embedded model needs the package xllamacpp, which is not installed.") from error
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.model_alias = {path.stem}  # what replies call the model: else it is the path, which is nobody's business
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.cors_origins = "http://127.0.0.1"  # the default lets any web page of the user's browser ask
    settings.ui = False
    settings.verbosity = 0  # llama.cpp writes to standard error, by hundreds of lines
    settings.n_ctx = context
    settings.n_parallel = 1
    settings.n_batch = 512  # stopping waits for the batch in work: 9 s at most on two cores, 35 s with the default
    settings.cache_ram_mib = 512  # prompts set aside for reuse; the default is 8 GB
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads or _cores()
    try:
        with _interrupts_held():
            server = xllamacpp.Server(settings)
    except RuntimeError as error:
        raise CannotServeError(f"llama.cpp cannot load {str(path)!r}.") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server  # its destructor stops the loop and joins the thread


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits for the end of the block: one that reaches llama.cpp while it loads leaves it waiting for ever."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cores() -> int:
    """Cores that this process may use, hyperthreads not counted: more threads than that are slower, not faster."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        cores = min(cores, round(int(quota) / int(period)))  # "max 100000" is no quota: ValueError
    with suppress(OSError):
        if Path("/sys/devices/system/cpu/smt/active").read_text("ascii").strip() == "1":
            cores //= 2
    return max(1, cores)
