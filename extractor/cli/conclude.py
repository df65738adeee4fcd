"""Run a conversion from the command line, and turn its end into a message and an exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from extractor.cli.exit import stop

if TYPE_CHECKING:
    from extractor.cancellation import Cancellation
    from extractor.cli.progress import ProgressDisplay
    from extractor.runs.summary import Summary

# What shells report for a command ended by Ctrl-C.
INTERRUPTED = 130


def conclude(
    convert: Callable[[ProgressDisplay, Cancellation], Summary],
    output: Path | None,
    quiet: bool,
    restarts: bool = False,
) -> None:
    """Convert, print the summary, and exit. `restarts`: the run was asked to start over."""
    from extractor.cancellation import Cancellation, cancelled_by_user
    from extractor.cli.progress import progress_display
    from extractor.cli.report import describe
    from extractor.errors import ExtractorError
    from extractor.output.files import OutputError
    from extractor.pipeline.read.read import InputError
    from extractor.schema.shape import SchemaError

    began = time.monotonic()
    cancellation = Cancellation()
    try:
        with (
            progress_display(quiet, to_stdout=output is None) as progress,
            cancelled_by_user(
                cancellation, progress.warn_from_signal, lambda: _end_at_once(progress, output, restarts)
            ),
        ):
            summary = convert(progress, cancellation)
    except (SchemaError, InputError, OutputError, ExtractorError) as error:
        written = _finished_part(output) if isinstance(error, OutputError) else ""
        stop(f"{error}{written}", code=getattr(error, "exit_code", 2))
    except BrokenPipeError:
        # The reader of our output has left (`head`, for example), so no message is needed.
        abandon_stdout()
        raise typer.Exit(1) from None
    if not quiet or summary.exit_code:
        with suppress(OSError):  # the terminal may have hung up
            for line in describe(summary, time.monotonic() - began):
                print(line, file=sys.stderr)
    raise typer.Exit(summary.exit_code)


def _end_at_once(progress: ProgressDisplay, output: Path | None, restarts: bool) -> NoReturn:
    """End the process after a second Ctrl-C, from a signal handler: no cleaning up, which might wait for something."""
    command = "without --restart" if restarts else "again"
    sentence = f"extractor: Stopped.{_finished_part(output)} Run the same command {command} to resume."
    with suppress(OSError):
        os.write(2, f"{progress.last_words}{sentence}\n".encode())
    os._exit(INTERRUPTED)


def _finished_part(output: Path | None) -> str:
    """The file with the finished records of a run that was interrupted; "" if it has none."""
    from extractor.output.files import part_path

    if output is None:
        return ""
    with suppress(OSError):
        if part_path(output).stat().st_size:
            return f" Finished records are in {part_path(output)}."
    return ""


def abandon_stdout() -> None:
    """Redirect standard output to the null device, so that the interpreter's last flush can't fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
