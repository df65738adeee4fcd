"""The examples in the docstrings of extractor/fields.py and markers.py: parse them, and run them through the
engine.

An example is the code of a field, followed by cases: a `text`, what a model that reads `fills` in (or `asks
nothing`: if forms are filled, code settles it, or the Cue does not match), what the record `holds`, each
`problem`, and the places that coverage calls `uncited`.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel
from scripted import ROOT, document, scripted

from extractor import fields
from extractor.document import Json
from extractor.llm.call import Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import Schema, load_prompts
from extractor.schema.shape import read_fields

SOURCES = [ROOT / "extractor" / "fields.py", ROOT / "extractor" / "markers.py"]
# Used to build the types; schemas have no use for it.
INTERNAL = {"ByCode", "Words"}
HEAD = re.compile(r"^Example:$", re.MULTILINE)
KEYS = ("text", "fills", "asks", "holds", "problem", "uncited")
CASE_LINE = re.compile(rf"({'|'.join(KEYS)})(?: +|$)(.*)")


@dataclass(frozen=True)
class Case:
    """A text, what a model fills in (None: it is not asked), and the result."""

    text: str
    fills: Any
    holds: Any
    problems: tuple[str, ...] = ()
    uncited: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Example:
    """The code of a field and its cases. With several fields, `fills` and `holds` are objects by field
    name."""

    code: str
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A type or marker: its description and its examples."""

    name: str
    words: str
    examples: list[Example]


def entries() -> list[Entry]:
    """All types and markers that a schema may import, in the order of the files."""
    found = [one for path in SOURCES for one in _documented(ast.parse(path.read_text(encoding="utf-8")))]
    return [_entry(name, doc) for name, doc in found if name not in INTERNAL and not name.startswith("_")]


def _documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names with their docstrings; the docstring of an alias is the string literal below it."""
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef):
            yield node.name, ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            below = following.value if isinstance(following, ast.Expr) else None
            doc = below.value if isinstance(below, ast.Constant) and isinstance(below.value, str) else ""
            yield node.targets[0].id, inspect.cleandoc(doc)


def _entry(name: str, doc: str) -> Entry:
    words, *parts = HEAD.split(doc)
    return Entry(name, words.strip(), [_example(inspect.cleandoc(part)) for part in parts])


def _example(text: str) -> Example:
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if CASE_LINE.fullmatch(line))
    example = Example("\n".join(lines[:first]).strip())
    lines_by_key: dict[str, Any] = {}
    for line in [*lines[first:], "text"]:
        found = CASE_LINE.fullmatch(line)
        if found is None:
            continue
        key, value = found.groups()
        if key == "text" and lines_by_key:
            example.cases.append(_case(lines_by_key))
            lines_by_key = {}
        lines_by_key.setdefault(key, []).append(value)
    return example


def _case(lines_by_key: dict[str, list[str]]) -> Case:
    fills = json.loads(lines_by_key["fills"][0]) if "fills" in lines_by_key else None
    assert ("fills" in lines_by_key) != (lines_by_key.get("asks") == ["nothing"]), lines_by_key
    holds = json.loads(lines_by_key["holds"][0])
    uncited = tuple(json.loads(lines_by_key["uncited"][0])) if "uncited" in lines_by_key else None
    return Case(lines_by_key["text"][0], fills, holds, tuple(lines_by_key.get("problem", ())), uncited)


# --- computing ---


def computed(example: Example, case: Case) -> Case:
    """The case as the engine computes it from the example's answer."""
    schema = _schema(example.code)
    names = [field.name for field in schema.fields]
    asked: list[Request] = []
    profile = SMALL if case.fills is None else LARGE
    fills: Json = case.fills if len(names) > 1 else {names[0]: case.fills}
    call = scripted(lambda request: {name: fills[name] for name in request.about["field"].split("+")}, asked)
    (done,) = convert(document(case.text), Recipe(schema, "scripted", profile), call)
    line: Json = done.line
    problems = tuple(" ".join(filter(None, (p["kind"], p["field"], p["value"]))) for p in line["problems"])
    covered = line["coverage"].get(names[0])
    uncited = None if covered is None else tuple(place["text"] for place in covered["uncited"])
    assert len(asked) <= 1, "an example may ask one question"
    holds = line["record"] if len(names) > 1 else line["record"][names[0]]
    return replace(case, fills=case.fills if asked else None, holds=holds, problems=problems, uncited=uncited)


def _schema(code: str) -> Schema:
    tree = ast.parse(code)
    names: dict[str, Any] = {**vars(fields), "BaseModel": BaseModel, "Annotated": Annotated, "Literal": Literal}
    parts = [node for node in tree.body if isinstance(node, ast.AnnAssign)]
    body = "\n    ".join(ast.unparse(node) for node in parts)
    models = "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.ClassDef))
    source = f"{models}\nclass Record(BaseModel):\n    {body}\n"
    exec(compile(source, "<example>", "exec", dont_inherit=True), names)
    record = names["Record"]
    return Schema("example", record, read_fields(record), load_prompts(Path("nowhere") / "example.py", None))


# --- the page ---


def fields_page() -> str:
    """docs/fields.md."""
    head = (
        "# Fields\n\nThe type of a field says what it is; markers in `Annotated[…]` say more. This page is generated from the\n"
        "docstrings of `extractor/fields.py` and `extractor/markers.py` by `python tests/update_docs.py`. The engine\n"
        "computes every result.\n\n"
        "A model that reads *fills* a field with JSON, and the engine looks the values up in the text. A model that fills\n"
        "forms (the embedded one) is *not asked* if code finds and fills the field by itself, or if its `Cue` does not match.\n"
    )
    return head + "".join(map(_section, entries()))


def _section(entry: Entry) -> str:
    parts = [f"\n## {entry.name}\n\n{entry.words}\n"]
    for example in entry.examples:
        # As ruff formats Python, in Markdown too: two blank lines after a class.
        code = example.code.replace("\n\n", "\n\n\n")
        parts.append(f"\n```python\n{code}\n```\n")
        for case in example.cases:
            parts.append("\n" + "".join(f"- {line}\n" for line in _result_lines(computed(example, case))))
    return "".join(parts)


def _result_lines(case: Case) -> Iterator[str]:
    yield f"text: {case.text}"
    yield "the model is not asked" if case.fills is None else f"the model fills: `{_dump(case.fills)}`"
    yield f"the record holds: `{_dump(case.holds)}`"
    yield from (f"problem: {problem}" for problem in case.problems)
    if case.uncited is not None:
        yield f"coverage, uncited: `{_dump(case.uncited)}`"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
