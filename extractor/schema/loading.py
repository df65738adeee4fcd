"""Find and load schemas and prompts: shipped ones by name, anyone's by path. One door for both."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from string import Template
from types import ModuleType

from pydantic import BaseModel
from pydantic.errors import PydanticUndefinedAnnotation

from extractor.document import Json
from extractor.schema.shape import Field, SchemaError, read_shape, record_with_evidence
from extractor.schema.source_lines import error_place, field_place, line_at, name_place, shown


@dataclass(frozen=True)
class Example:
    """One worked example: a text, and what a right answer about it is, field by field; and the file it stands in."""

    text: str
    record: Json
    file: Path | None = None


@dataclass(frozen=True)
class Prompts:
    """The words a model is asked with."""

    task: Template
    read: Template
    group: Template
    form: Template
    verify: Template
    example: Example | None


@dataclass(frozen=True)
class Schema:
    """A loaded schema: its record model, its fields as the engine reads them, and its prompts."""

    name: str
    record: type[BaseModel]
    fields: tuple[Field, ...]
    prompts: Prompts

    @cached_property
    def output_record(self) -> type[BaseModel]:
        """The record as output lines hold it: `record`, with `evidence` in every item."""
        return record_with_evidence(self.record, self.fields)


def digest(text: str) -> str:
    """sha256 of the text's UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def shipped(kind: str) -> Path:
    """The folder of shipped "schemas" or "prompts": inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / f"_{kind}"
    return inside if inside.is_dir() else package.parent / kind


def list_schemas() -> list[str]:
    """Names of the shipped schemas."""
    return sorted(path.stem for path in shipped("schemas").glob("*.py") if not path.stem.startswith("_"))


def load_schema(schema: str | type[BaseModel]) -> Schema:
    """The schema of that name, or in that file (`my.py`, or `my.py:ClassName`), or of that model. Raises SchemaError."""
    if isinstance(schema, str):
        path, class_name = _find(schema)
        module = _load_module(path)
        record = _pick_record(module, path, class_name)
    else:
        record, module = schema, sys.modules[schema.__module__]
        # A class of a notebook is in no file: its prompts are the shipped ones.
        path = Path(getattr(module, "__file__", None) or shipped("schemas") / f"{schema.__name__}.py")
    try:
        fields = read_shape(record)
    except SchemaError as error:
        raise SchemaError(f"{field_place(error.owner or record, error.name, path)}: {error}") from None
    return Schema(path.stem, record, fields, load_prompts(path, getattr(module, "EXAMPLE", None)))


def schema_path(name: str) -> Path:
    """The file of the schema called `name`, or in the file `name`. Raises SchemaError."""
    return _find(name)[0]


def load_prompts(schema: Path, example: str | None) -> Prompts:
    """The prompts for a schema file: a file beside the schema goes before the shipped one of that name."""
    question = ("headings", "passage", "name", "description", "leaves", "answer")
    return Prompts(
        _load_template(schema, "task.md", "example"),
        _load_template(schema, "read.md", *question, "limit"),
        _load_template(schema, "group.md", "headings", "passage", "fields", "answer"),
        _load_template(schema, "form.md", *question, "rows"),
        _load_template(schema, "verify.md", *question[:4], "words", "clause", "kind"),
        None if example is None else _load_example(schema, example),
    )


def _read_prompt(schema: Path, name: str) -> tuple[Path, str]:
    beside = schema.parent / name
    path = beside if beside.is_file() else shipped("prompts") / name
    if not path.is_file():
        raise SchemaError(f"The prompt {name} is neither beside {schema} nor among the shipped ones: write it there.")
    try:
        return path, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"The prompt {path} can't be read ({error}): write it as UTF-8 text.") from None


def _load_template(schema: Path, name: str, *values: str) -> Template:
    path, text = _read_prompt(schema, name)
    for found in Template.pattern.finditer(text):
        named = found["named"] or found["braced"]
        if found["escaped"] is None and named not in values:
            what = f"names ${named}" if named else "has a $ that begins no name"
            known = ", ".join(f"${value}" for value in values)
            raise SchemaError(
                f"{shown(path, schema)}:{line_at(text, found.start())}: The prompt {name} for {schema} {what}: it may use "
                f"{known}; a plain dollar sign is $$."
            )
    return Template(text)


def _load_example(schema: Path, name: str) -> Example:
    try:
        path, text = _read_prompt(schema, name)
    except SchemaError as error:
        raise SchemaError(f"{name_place(schema, 'EXAMPLE')}: {error}") from None
    try:
        data = json.loads(text)
        example = Example(data["text"], data["record"], path)
        if not (isinstance(example.text, str) and isinstance(example.record, dict)):
            raise TypeError("a text is a string, a record an object")
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            f'{shown(path, schema)}:{getattr(error, "lineno", 1)}: The example {name} of {schema} is not JSON with "text" '
            f'and "record" ({error}): mend it.'
        ) from None
    return example


def _find(name: str) -> tuple[Path, str | None]:
    file, _, class_name = name.partition(":") if ".py:" in name else (name, "", "")
    if file.endswith(".py") or "/" in file:
        path = Path(file)
        if not path.is_file():
            raise SchemaError(f"There is no schema file {file}. Shipped schemas are: {', '.join(list_schemas())}.")
        return path, class_name or None
    path = shipped("schemas") / f"{file}.py"
    if not path.is_file():
        raise SchemaError(
            f"There is no shipped schema {file!r}. Name one of {', '.join(list_schemas())}, or a file such as ./{file}.py."
        )
    return path, None


def _load_module(path: Path) -> ModuleType:
    """The module of a file, loaded once as long as its text is the same."""
    try:
        return _load(path.resolve(), path, digest(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path} can't be read ({error}): write it as UTF-8 text.") from None


@cache
def _load(whole: Path, path: Path, text: str) -> ModuleType:
    # A name of its own, so that two schemas of one stem don't meet; registered, since pydantic resolves
    # annotations through sys.modules.
    name = f"extractor_schema_{path.stem}_{digest(f'{whole}:{text}')[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SchemaError(
            f"{error_place(error, path)}: it can't be loaded: {type(error).__name__}: {_first_line(error)}"
        ) from error
    return module


def _pick_record(module: ModuleType, path: Path, class_name: str | None) -> type[BaseModel]:
    """The named class, or the one model of the file that no other model of the file uses."""
    models = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    }
    for model in models.values():
        try:
            # One that names a class further down knows only now what that is.
            model.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise SchemaError(
                f"{_place_of_name(model, error.name, path)}: {model.__name__} names {error.name}, which is neither "
                "defined nor imported: import it, or mend its spelling."
            ) from None
    if class_name is not None:
        if class_name not in models:
            raise SchemaError(f"{path} has no model {class_name}; its models are: {', '.join(models) or 'none'}.")
        return models[class_name]
    spelled = {name: " ".join(str(i.annotation) for i in model.model_fields.values()) for name, model in models.items()}
    roots = [
        name
        for name in models
        if not any(
            re.search(rf"{re.escape(module.__name__)}\.{name}\b", text)
            for other, text in spelled.items()
            if other != name
        )
    ]
    if len(roots) != 1:
        raise SchemaError(
            f"{path} should have one model that no other uses, the record; it has {len(roots)} ({', '.join(roots)}). "
            f"Say which: --schema {path}:{roots[0] if roots else 'ClassName'}"
        )
    return models[roots[0]]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _place_of_name(model: type[BaseModel], unknown: str | None, path: Path) -> str:
    """Where a model's field has a type that names what is unknown."""
    spelled = {name: str(info.annotation) for name, info in model.__pydantic_fields__.items()}
    name = next((name for name, text in spelled.items() if re.search(rf"\b{re.escape(unknown or '')}\b", text)), None)
    return field_place(model, name, path)
