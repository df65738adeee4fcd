"""What each command loads. import-linter checks the imports inside the engine: see pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import ROOT

CLIENTS = {"openai", "instructor", "httpx2"}
HEAVY = CLIENTS | {"opencc", "trafilatura", "rapidfuzz", "charset_normalizer", "xllamacpp"}
SCHEMAS = sorted((ROOT / "schemas").glob("*.py"))


def imported_by(*arguments: str) -> set[str]:
    """The top-level packages that the command loads."""
    return loaded_by("-m", "extractor", *arguments)


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages that a Python process loads."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_imported_by_sees_imports() -> None:
    assert {"extractor", "typer"} <= imported_by("--help")
    assert "pydantic" in imported_by("schema", "list")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("extract", "--help"), ("schema", "--help")])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments) & HEAVY == set()


@pytest.mark.parametrize("arguments", [("schema", "list"), ("schema", "show"), ("model", "status")])
def test_commands_that_ask_no_model_load_no_client(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments) & CLIENTS == set()


def test_the_library_loads_only_what_is_used() -> None:
    alone = loaded_by("-c", "import extractor")
    assert "extractor" in alone
    assert alone & (HEAVY | {"pydantic", "typer", "pytest"}) == set()
    reading = loaded_by("-c", "from extractor import extract, load_schema; load_schema('meeting')")
    assert "pydantic" in reading
    assert reading & (CLIENTS | {"typer", "pytest", "xllamacpp"}) == set()


def engine_imports(source: str) -> set[str]:
    """The modules of this project, and relative ones, that a source imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= (
                {f"{module}.{alias.name}" for alias in node.names} if module in ("extractor.lang", ".") else {module}
            )
    return {name for name in found if name.startswith(".") or name.partition(".")[0] in ("extractor", "schemas")}


def test_engine_imports_sees_every_form_of_import() -> None:
    source = "import extractor.runs.run\nfrom extractor.lang import fold\ndef f():\n    from schemas.notice import x\nfrom . import y"
    assert engine_imports(source) == {"extractor.runs.run", "extractor.lang.fold", "schemas.notice", "..y"}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_imports_only_field_types_from_the_engine(path: Path) -> None:
    assert engine_imports(path.read_text(encoding="utf-8")) == {"extractor.fields"}


def test_there_are_schemas_to_check() -> None:
    assert {path.name for path in SCHEMAS} >= {"meeting.py", "notice.py"}
