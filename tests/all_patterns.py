"""Every regular expression of the package and of the shipped schemas, with the methods that it is used with."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import extractor
from extractor.schema.loading import list_schemas, load_schema

METHODS = frozenset(("search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn"))
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
# A repeat of this many turns counts as one without a bound.
_MANY = 1000


@dataclass(frozen=True)
class Found:
    """A pattern, where it is, and how it is used; `read` are methods that go on behind a match or a failure."""

    name: str
    pattern: str
    flags: int
    methods: frozenset[str]

    @property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self.flags)


@cache
def of_package() -> list[Found]:
    """The patterns of the modules: compiled at their top, in their tables, and in the bodies of functions."""
    modules = [*_modules()]
    used = _uses(modules)
    found: dict[tuple[str, int], Found] = {}
    for module in modules:
        for name, value in vars(module).items():
            for pattern in _patterns_in(value, set()):
                where = module.__name__ if name.startswith("_") else ""
                methods = frozenset(used.get((where, name), {"search", "match"}))
                key = pattern.pattern, pattern.flags
                methods |= found[key].methods if key in found else frozenset()
                found[key] = Found(f"{module.__name__}.{name}", pattern.pattern, pattern.flags, methods)
        for line, method, words in literals(module):
            if words is not None:
                key = words, re.compile(words).flags
                found.setdefault(key, Found(f"{module.__name__}:{line}", *key, frozenset({method})))
    return list(found.values())


@cache
def of_schemas() -> list[Found]:
    """The patterns in the markers of the shipped schemas."""
    found: dict[str, Found] = {}
    for name in list_schemas():
        for field in load_schema(name).fields:
            for pattern in _marked([field.cue, field.unless, field.expects, *field.leaves]):
                found.setdefault(pattern, Found(f"{name}.{field.name}", pattern, 0, frozenset({"search"})))
    return list(found.values())


def literals(module: ModuleType) -> Iterator[tuple[int, str, str | None]]:
    """The calls of `re` in functions: line, method, and the pattern; None if only a run can tell it."""
    for function in ast.walk(_tree(module)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                continue
            if ast.unparse(call.func.value) == "re" and call.func.attr in METHODS | {"compile"}:
                method = "search" if call.func.attr == "compile" else call.func.attr
                yield call.lineno, method, _evaluated(call.args[0], module)


def is_unbounded(pattern: str, flags: int) -> bool:
    """Whether some part of the pattern may repeat any number of times, so that a match can read the whole text."""
    return _repeats_without_bound(sre_parser.parse(pattern, flags))


def derived(pattern: str, flags: int) -> dict[tuple[str, str], None]:
    """Heads and units of texts on which the pattern reads on: what its repeats take, behind what stands before them."""
    found: dict[tuple[str, str], None] = {}
    parsed = sre_parser.parse(pattern, flags)
    for choice in range(3):
        for before, taken in _taken(parsed, "", choice):
            found |= dict.fromkeys([("", taken), (before, taken), ("", before + taken)])
        found[("", _sample(parsed, choice))] = None
    return {pair: None for pair in found if pair[1]}


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(extractor.__path__, "extractor."):
        if not info.name.endswith(("__main__", "pytest_plugin")) and "._schemas" not in info.name:
            yield importlib.import_module(info.name)


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def _evaluated(expression: ast.expr, module: ModuleType) -> str | None:
    try:
        value = eval(compile(ast.Expression(expression), "", "eval"), dict(vars(module)))
    except (NameError, AttributeError):
        return None
    return value if isinstance(value, str) else None


def _uses(modules: list[ModuleType]) -> dict[tuple[str, str], set[str]]:
    """The methods by the name that they are called on; private names are those of one module."""
    used: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for module in modules:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                name = ast.unparse(node.value).rpartition(".")[2]
                used[module.__name__ if name.startswith("_") else "", name].add(node.attr)
    return used


def _patterns_in(value: Any, seen: set[int]) -> Iterator[re.Pattern[str]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, dict):
        yield from (found for inner in (*value, *value.values()) for found in _patterns_in(inner, seen))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (found for inner in value for found in _patterns_in(inner, seen))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = (getattr(value, field.name, None) for field in dataclasses.fields(value))
        yield from (found for part in parts for found in _patterns_in(part, seen))


def _marked(markers: list[Any]) -> Iterator[str]:
    """The patterns that markers hold: strings, which no list of plain words is (`Unit`, `LargeModelOnly`)."""
    for marker in markers:
        match type(marker).__name__:
            case "Leaf":
                yield from _marked([marker.cue, marker.beside, marker.subject, marker.like, marker.shown])
            case "Shown":
                yield from (*marker.patterns.values(), marker.acts)
            case "Cue" | "Subject" | "Like" | "Expects":
                yield from filter(None, [marker.pattern])
            case "Unless":
                yield from filter(None, [marker.pattern, marker.before])
            case "Beside":
                yield from (f"(?:{marker.before})$", marker.after)


# --- what a parsed pattern takes ---


def _parts(op: Any, value: Any) -> list[Any]:
    """The parsed patterns within an element of a parsed pattern."""
    if op in _REPEATS:
        return [value[2]]
    if op is sre.SUBPATTERN:
        return [value[3]]
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if op is sre.BRANCH:
        return list(value[1])
    return [value] if op is sre.ATOMIC_GROUP else []


def _repeats_without_bound(parsed: Any) -> bool:
    return any(
        (op in _REPEATS and value[1] >= _MANY) or any(map(_repeats_without_bound, _parts(op, value)))
        for op, value in parsed
    )


def _taken(parsed: Any, before: str, choice: int) -> Iterator[tuple[str, str]]:
    """For each repeat an example of what stands before it, and of what one of its turns takes."""
    for op, value in parsed:
        if op in _REPEATS:
            yield before, _sample(value[2], choice)
        for part in _parts(op, value):
            yield from _taken(part, before, choice)
        before += _sample([(op, value)], choice)


def _sample(parsed: Any, choice: int) -> str:
    """An example of what the pattern matches, without its assertions. `choice` is which branches are taken."""
    words = ""
    for op, value in parsed:
        if op is sre.LITERAL:
            words += chr(value)
        elif op in (sre.ANY, sre.NOT_LITERAL):
            words += "工"
        elif op is sre.IN:
            words += _character_of(value)
        elif op in _REPEATS:
            words += _sample(value[2], choice) * max(value[0], min(1, value[1]))
        elif op is sre.BRANCH:
            words += _sample(value[1][choice * 7 % len(value[1])], choice)
        elif op not in (sre.ASSERT, sre.ASSERT_NOT):
            words += "".join(_sample(part, choice) for part in _parts(op, value))
    return words


def _character_of(members: Any) -> str:
    """A character that the class takes."""
    one = sre_parser.SubPattern(sre_parser.State(), [(sre.IN, members)])
    compiled = _compiled_class(one)
    first = [chr(value if op is sre.LITERAL else value[0]) for op, value in members if op in (sre.LITERAL, sre.RANGE)]
    return next((c for c in ["工", "1", "一", "a", "，", " ", "\n", "x", "年", *first] if compiled.match(c)), "工")


def _compiled_class(one: Any) -> re.Pattern[str]:
    from re import _compiler  # type: ignore[attr-defined]

    compiled: re.Pattern[str] = _compiler.compile(one)
    return compiled
