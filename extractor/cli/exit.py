"""How a command ends when it can't continue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import typer


def stop(sentence: str, code: int = 2) -> NoReturn:
    """Print the reason to standard error and exit with this code."""
    with suppress(OSError):  # the terminal may have hung up
        print(f"extractor: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn the errors that a user can fix into one sentence and an exit code. Bugs keep their traceback."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, _expected()):
            raise
        stop(str(error), code=getattr(error, "exit_code", 2))


def _expected() -> tuple[type[Exception], ...]:
    from extractor.errors import ExtractorError
    from extractor.output.files import OutputError
    from extractor.pipeline.read.read import InputError
    from extractor.schema.shape import SchemaError

    return (SchemaError, InputError, OutputError, ExtractorError)
