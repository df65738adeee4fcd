"""The examples in the docstrings of extractor/fields.py and markers.py: read, and computed anew by the engine.

An example is a field in code, then cases: a `text`, what a model that reads `fills` (or `asks nothing`: where forms are
filled, code settles it, or its Cue is not met), what the record `holds`, the `problem`s noted, what coverage calls
`uncited`.
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
# Part of how the types are built, of no use to a schema.
INTERNAL = {"Words"}
HEAD = re.compile(r"^Example:$", re.MULTILINE)
KEYS = ("text", "fills", "asks", "holds", "problem", "uncited")
CASE_LINE = re.compile(rf"({'|'.join(KEYS)})(?: +|$)(.*)")


@dataclass(frozen=True)
class Case:
    """One text, what a model fills (None: nothing is asked), what comes of it."""

    text: str
    fills: Any
    holds: Any
    problems: tuple[str, ...] = ()
    uncited: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Example:
    """A field in code (several: what is filled and held is told by name), and its cases."""

    code: str
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A type or marker: its words and its examples."""

    name: str
    words: str
    examples: list[Example]


def entries() -> list[Entry]:
    """Every type and marker that a schema may import, in the order of the files."""
    found = [one for path in SOURCES for one in _documented(ast.parse(path.read_text(encoding="utf-8")))]
    return [_entry(name, doc) for name, doc in found if name not in INTERNAL and not name.startswith("_")]


def _documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names with their docstring; of an alias, the string literal below it."""
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef):
            yield node.name, ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            said = following.value if isinstance(following, ast.Expr) else None
            doc = said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else ""
            yield node.targets[0].id, inspect.cleandoc(doc)


def _entry(name: str, doc: str) -> Entry:
    words, *parts = HEAD.split(doc)
    return Entry(name, words.strip(), [_example(inspect.cleandoc(part)) for part in parts])


def _example(text: str) -> Example:
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if CASE_LINE.fullmatch(line))
    example = Example("\n".join(lines[:first]).strip())
    said: dict[str, Any] = {}
    for line in [*lines[first:], "text"]:
        found = CASE_LINE.fullmatch(line)
        if found is None:
            continue
        key, value = found.groups()
        if key == "text" and said:
            example.cases.append(_case(said))
            said = {}
        said.setdefault(key, []).append(value)
    return example


def _case(said: dict[str, list[str]]) -> Case:
    fills = json.loads(said["fills"][0]) if "fills" in said else None
    assert ("fills" in said) != (said.get("asks") == ["nothing"]), said
    holds = json.loads(said["holds"][0])
    uncited = tuple(json.loads(said["uncited"][0])) if "uncited" in said else None
    return Case(said["text"][0], fills, holds, tuple(said.get("problem", ())), uncited)


# --- computing ---


def computed(example: Example, case: Case) -> Case:
    """The case as the engine has it: the model's answer is the example's, all else is computed."""
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
    assert len(asked) <= 1, "an example is one question"
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
        "# Fields\n\nWhat a field is, is said by its type; markers in `Annotated[…]` say more. Generated from the docstrings of\n"
        "`extractor/fields.py` and `extractor/markers.py` by `python tests/update_docs.py`: each result is what the engine computes.\n\n"
        "A model that reads *fills* a field with JSON, which is looked up in the text; a model that fills forms (the embedded\n"
        "one) is *not asked* where code finds and fills the field by itself, or where its `Cue` is not met.\n"
    )
    return head + "".join(map(_section, entries()))


def _section(entry: Entry) -> str:
    parts = [f"\n## {entry.name}\n\n{entry.words}\n"]
    for example in entry.examples:
        # As ruff formats Python, in Markdown too: two blank lines after a class.
        code = example.code.replace("\n\n", "\n\n\n")
        parts.append(f"\n```python\n{code}\n```\n")
        for case in example.cases:
            parts.append("\n" + "".join(f"- {line}\n" for line in _told(computed(example, case))))
    return "".join(parts)


def _told(case: Case) -> Iterator[str]:
    yield f"text: {case.text}"
    yield "the model is not asked" if case.fills is None else f"the model fills: `{_dump(case.fills)}`"
    yield f"the record holds: `{_dump(case.holds)}`"
    yield from (f"problem: {problem}" for problem in case.problems)
    if case.uncited is not None:
        yield f"coverage, uncited: `{_dump(case.uncited)}`"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
