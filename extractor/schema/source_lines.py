"""Where a field, a class or a value stands in its file: the `file:line` that errors and complaints begin with."""

from __future__ import annotations

import ast
import inspect
import json
import re
import traceback
from pathlib import Path

from extractor.files import is_same

Keys = tuple[str | int, ...]

_GAP = re.compile(r"[\s,:]*")


def field_place(owner: type, name: str | None, given: Path) -> str:
    """`file:line` of a class's field (of the class itself for None); the file alone where the line can't be told.
    A file that is `given` is called what it is called there."""
    file = _file_of(owner) or given
    for base in inspect.getmro(owner):
        source = _file_of(base)
        line = source and _line_of_field(source, base.__name__, name)
        if source and line:
            return f"{shown(source, given)}:{line}"
    return shown(file, given)


def name_place(path: Path, name: str) -> str:
    """`file:line` where a module gives `name` its value."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return f"{path}:{node.lineno}"
    return str(path)


def error_place(error: BaseException, path: Path) -> str:
    """`file:line` of the line that raised an error while the file was loaded."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).name == path.name:
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if is_same(frame.filename, path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def json_lines(text: str) -> dict[Keys, int]:
    """The line of each value in a JSON text, by the keys that lead to it: ("record", "officials", 0, "name")."""
    lines: dict[Keys, int] = {}
    _walk(text, _skip(text, 0), (), lines)
    return lines


def line_at(text: str, offset: int) -> int:
    """The number of the line that holds a character."""
    return text.count("\n", 0, offset) + 1


def shown(path: Path, given: Path) -> str:
    """A path as the user named it, else from the working folder, else in full."""
    if is_same(str(given), path):
        return str(given)
    beside = given.parent / path.name
    if is_same(str(beside), path):
        return str(beside)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _walk(text: str, at: int, keys: Keys, lines: dict[Keys, int]) -> int:
    """Note the line of the value that begins at `at`, and of all within it; where it ends."""
    lines[keys] = line_at(text, at)
    decoder = json.JSONDecoder()
    if text[at] not in "{[":
        return decoder.raw_decode(text, at)[1]
    opening, at, n = text[at], _skip(text, at + 1), 0
    while text[at] not in "}]":
        key: str | int = n
        if opening == "{":
            key, end = decoder.raw_decode(text, at)
            at = _skip(text, end)
        at = _skip(text, _walk(text, at, (*keys, key), lines))
        n += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _line_of_field(path: Path, owner: str, name: str | None) -> int | None:
    for node in ast.walk(_parsed(path)):
        if not (isinstance(node, ast.ClassDef) and node.name == owner):
            continue
        if name is None:
            return node.lineno
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == name:
                return statement.lineno
    return None


def _file_of(owner: type) -> Path | None:
    try:
        return Path(inspect.getfile(owner))
    except (TypeError, OSError):  # built in, or made without a file
        return None


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module([], [])
