"""How a command ends when it can't go on."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer


def stop(sentence: str, code: int = 2) -> NoReturn:
    """Say why, and end with this exit code."""
    print(f"extractor: {sentence}", file=sys.stderr)
    raise typer.Exit(code)
