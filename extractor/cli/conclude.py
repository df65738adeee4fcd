"""Launch: a conversion from the command line, and everything that it may end in, as an exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from extractor.cli.exit import stop

if TYPE_CHECKING:
    from extractor.cancellation import Cancellation
    from extractor.cli.progress import ProgressDisplay
    from extractor.runs.summary import Summary

# What shells give for a command that Ctrl-C ended.
INTERRUPTED = 130


def conclude(convert: Callable[[ProgressDisplay, Cancellation], Summary], output: Path | None, quiet: bool) -> None:
    """Convert, say what came of it, and end."""
    from extractor.cancellation import Cancellation, cancelled_by_user
    from extractor.cli.progress import progress_display
    from extractor.cli.report import describe
    from extractor.errors import ExtractorError
    from extractor.output.files import OutputError, part_path
    from extractor.pipeline.read.read import InputError
    from extractor.schema.shape import SchemaError

    began = time.monotonic()
    cancellation = Cancellation()
    try:
        with (
            progress_display(quiet, to_stdout=output is None) as progress,
            cancelled_by_user(cancellation, progress.warn),
        ):
            summary = convert(progress, cancellation)
    except (SchemaError, InputError, OutputError, ExtractorError) as error:
        stop(f"{error}{_kept(error, output)}", code=getattr(error, "exit_code", 2))
    except KeyboardInterrupt:
        done = f" What was done is in {part_path(output)}." if output and part_path(output).exists() else ""
        stop(f"Stopped.{done} Run the same command again: it goes on from there.", code=INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left (head, say): nothing is wrong, and nobody to tell.
        abandon_stdout()
        raise typer.Exit(1) from None
    if not quiet or summary.exit_code:
        for line in describe(summary, time.monotonic() - began):
            print(line, file=sys.stderr)
    raise typer.Exit(summary.exit_code)


def _kept(error: Exception, output: Path | None) -> str:
    """Where the finished records of a run are that could not write on."""
    from extractor.output.files import OutputError, part_path

    if not isinstance(error, OutputError) or output is None:
        return ""
    with suppress(OSError):
        if part_path(output).stat().st_size:
            return f" What is finished is in {part_path(output)}."
    return ""


def abandon_stdout() -> None:
    """Let the interpreter's last flush go nowhere: its error has been told, or is nobody's business."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
