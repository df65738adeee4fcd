"""The `batch` commands: questions that were submitted to a provider's batch API, and their replies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from extractor.cli.conclude import conclude
from extractor.cli.exit import stop

if TYPE_CHECKING:
    from extractor.cancellation import Cancellation
    from extractor.cli.progress import ProgressDisplay
    from extractor.runs.settings import Settings
    from extractor.runs.summary import Summary

Told = TypeVar("Told")

batch_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Batches: questions that `extractor extract … --batch` submitted to the provider's batch API.",
)
OutputArgument = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="The JSONL file that --batch was given with -o.")
]


@batch_app.command("status", epilog="Example: extractor batch status records.jsonl")
def batch_status(output: OutputArgument) -> None:
    """Say how far the batches of an output are, a line each.

    Exit code 0: all are completed; 1: some are under way, failed, expired or cancelled; 2: nothing was submitted.
    """
    from extractor.runs.batch import look

    lines, code = _ask(lambda: look(output))
    for line in lines:
        print(line)
    raise typer.Exit(code)


@batch_app.command("collect", epilog="Example: extractor batch collect records.jsonl")
def batch_collect(
    output: OutputArgument,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Bring the replies of ended batches home and write the records that are complete with them.

    Everything is as the command with --batch said; the key is read from the environment. What is open after that goes
    into another batch by that command, or is asked live by the same command without --batch. Costs are counted at the
    price of live answers: what the provider takes off for batches is not known here.

    Exit code 0: all converted; 1: some failed or are open; 2: wrong usage, nothing was submitted, no key.
    """

    def convert(progress: ProgressDisplay, cancellation: Cancellation) -> Summary:
        from extractor.runs.batch_collect import collect

        return collect(output, progress, cancellation, sys.argv[1:])

    conclude(convert, output, quiet)


@batch_app.command("cancel", epilog="Example: extractor batch cancel records.jsonl")
def batch_cancel(output: OutputArgument) -> None:
    """Have the provider end the batches of an output. What it has answered by then can be collected.

    Exit code 0: done; 2: nothing was submitted, or the provider refuses.
    """
    from extractor.runs.batch import cancel

    for line in _ask(lambda: cancel(output)):
        print(line)


def _ask(ask: Callable[[], Told]) -> Told:
    from extractor.errors import ExtractorError
    from extractor.output.files import OutputError

    try:
        return ask()
    except (OutputError, ExtractorError) as error:
        stop(str(error), code=2)


def check_batch(settings: Settings, output: Path | None) -> None:
    """End where the other options leave nothing to submit, or nothing to collect into."""
    refused = {
        "standard input, which can't be read again when the replies come: name a file": "-" in settings.inputs,
        "standard output: name a file with -o": output is None,
        "--mode replay, which asks nothing": settings.mode == "replay",
        "--restart: move the old output away, or name another": settings.restart,
        "--max-cost and --max-tokens, which stop a run that asks live": bool(
            settings.limits.cost is not None or settings.limits.tokens is not None
        ),
    }
    for what, given in refused.items():
        if given:
            stop(f"--batch does not go with {what}.")
    if output is not None and output.exists() and not output.is_file():
        stop(f"--batch needs a file, and {output} is none.")
