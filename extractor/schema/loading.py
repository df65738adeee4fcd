"""Find and load schemas and prompts: the shipped ones by name, a user's by path."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.machinery import SourceFileLoader
from pathlib import Path
from string import Template
from types import CodeType, ModuleType

from pydantic import BaseModel
from pydantic.errors import PydanticUndefinedAnnotation

from extractor.document import Json
from extractor.schema.output_model import record_with_evidence
from extractor.schema.shape import Field, SchemaError, read_fields
from extractor.schema.source_lines import display_path, error_place, field_place, line_at, name_place

# Constants by which a schema file names the files of its prompts.
PROMPT_FILES = ("EXAMPLE", "READING_EXAMPLE", "GUIDE")
# Names that schemas of version 0.1 import, and what they write now.
_RENAMED = {
    "Places": "Write `evidence: list[Evidence]` where it said `evidence: Places`.",
    "Signs": "It is called Expects now.",
    "Together": "It is called Group now.",
}


@dataclass(frozen=True)
class Example:
    """A worked example: a text, the correct record for it, and the file that holds both.

    `left_out` holds words of the text that belong to no item, and why.
    """

    text: str
    record: Json
    file: Path | None = None
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompts:
    """The prompt templates that questions are built from.

    A model that fills forms is asked with `task`, `read` and `form` and the `example`; one that reads with `reading`, `fields` and
    `passage`, the `reading_example` and the `guide`: for each field, how to decide the close calls.
    """

    task: Template
    read: Template
    reading: Template
    fields: Template
    passage: Template
    form: Template
    verify: Template
    example: Example | None
    reading_example: Example | None = None
    guide: dict[str, str] = field(default_factory=dict)
    guide_file: Path | None = None

    def guide_of(self, field: Field) -> str:
        """What the guide says of a field; of a renamed one, also under its former name."""
        return self.guide.get(field.name) or self.guide.get(field.was or "") or ""

    @property
    def shown_example(self) -> Example | None:
        """The example for a model that reads."""
        return self.reading_example or self.example


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
    """The folder of the shipped "schemas" or "prompts": in an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / f"_{kind}"
    return inside if inside.is_dir() else package.parent / kind


def list_schemas() -> list[str]:
    """The names of the shipped schemas."""
    return sorted(path.stem for path in shipped("schemas").glob("*.py") if not path.stem.startswith("_"))


def load_schema(schema: str | type[BaseModel]) -> Schema:
    """Load a schema by name, by file (`my.py` or `my.py:ClassName`) or from a model. Raises SchemaError."""
    if isinstance(schema, str):
        path, class_name = _find(schema)
        module = _load_module(path)
        record = _pick_record(module, path, class_name)
    else:
        record, module = schema, sys.modules[schema.__module__]
        # A class defined in a notebook has no file, so it gets the shipped prompts.
        path = Path(getattr(module, "__file__", None) or shipped("schemas") / f"{schema.__name__}.py")
    try:
        fields = read_fields(record)
    except SchemaError as error:
        raise SchemaError(f"{field_place(error.owner or record, error.name, path)}: {error}") from None
    prompts = load_prompts(path, *(getattr(module, name, None) for name in PROMPT_FILES))
    loaded = Schema(path.stem, record, fields, prompts)
    try:
        _ = loaded.output_record  # now, and not after the first answers are paid for
    except Exception as error:
        raise SchemaError(
            f"{field_place(record, None, path)}: {record.__name__} can't be extended by the evidence of its items "
            f"({type(error).__name__}: {_first_line(error)}). Declare `evidence: list[Evidence]` in them."
        ) from error
    return loaded


def schema_path(name: str) -> Path:
    """The file of a schema, given its name or a file. Raises SchemaError."""
    return _find(name)[0]


def load_prompts(
    schema: Path, example: str | None, reading_example: str | None = None, guide: str | None = None
) -> Prompts:
    """The prompts for a schema file; a prompt file beside the schema overrides the shipped one.

    Raises SchemaError.
    """
    question = ("headings", "passage", "name", "description", "leaves", "answer")
    guide_file, sections = (None, {}) if guide is None else _load_guide(schema, guide)
    return Prompts(
        _load_template(schema, "task.md", "example"),
        _load_template(schema, "read.md", *question, "limit"),
        _load_template(schema, "reading.md"),
        _load_template(schema, "fields.md", "fields", "example"),
        _load_template(schema, "passage.md", "headings", "passage", "asked"),
        _load_template(schema, "form.md", *question, "rows"),
        _load_template(schema, "verify.md", *question[:4], "words", "clause", "kind"),
        None if example is None else _load_example(schema, "EXAMPLE", example),
        None if reading_example is None else _load_example(schema, "READING_EXAMPLE", reading_example),
        sections,
        guide_file,
    )


def _read_prompt(schema: Path, name: str) -> tuple[Path, str]:
    beside = schema.parent / name
    path = beside if beside.is_file() else shipped("prompts") / name
    if not path.is_file():
        raise SchemaError(
            f"Prompt {name} not found, neither beside {schema} nor among the shipped ones. Create it there."
        )
    try:
        return path, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"Can't read the prompt {path} ({error}). Save it as UTF-8 text.") from None


def _load_template(schema: Path, name: str, *placeholders: str) -> Template:
    path, text = _read_prompt(schema, name)
    for match in Template.pattern.finditer(text):
        named = match["named"] or match["braced"]
        if match["escaped"] is None and named not in placeholders:
            what = f"uses the unknown placeholder ${named}" if named else "has a $ without a name after it"
            known = ", ".join(f"${placeholder}" for placeholder in placeholders)
            raise SchemaError(
                f"{display_path(path, schema)}:{line_at(text, match.start())}: "
                f"The prompt {name} for {schema} {what}. It may use {known}; write a plain dollar sign as $$."
            )
    return Template(text)


def _load_named(schema: Path, constant: str, name: str) -> tuple[Path, str]:
    """A prompt file that a constant of the schema names."""
    try:
        return _read_prompt(schema, name)
    except SchemaError as error:
        raise SchemaError(f"{name_place(schema, constant)}: {error}") from None


def _load_guide(schema: Path, name: str) -> tuple[Path, dict[str, str]]:
    """The file of a guide and its sections, each under a heading `# FIELD`. Raises SchemaError."""
    path, text = _load_named(schema, "GUIDE", name)
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            lines = sections.setdefault(line[2:].strip(), [])
        elif line.strip() and not sections:
            raise SchemaError(
                f"{display_path(path, schema)}:{number}: The guide {name} of {schema} begins without a heading. "
                "Put `# FIELD` above what is said about a field."
            )
        elif line.strip():
            lines.append(line.rstrip())
    return path, {field: "\n".join(lines) for field, lines in sections.items()}


def _load_example(schema: Path, constant: str, name: str) -> Example:
    path, text = _load_named(schema, constant, name)
    try:
        data = json.loads(text)
        example = Example(data["text"], data["record"], path, data.get("left_out", {}))
        objects = (example.record, example.left_out)
        if not (isinstance(example.text, str) and all(isinstance(value, dict) for value in objects)):
            raise TypeError("the text must be a string, the record and what is left out objects")
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            f"{display_path(path, schema)}:{getattr(error, 'lineno', 1)}: "
            f'The example {name} of {schema} must be a JSON object with "text" and "record" ({error}).'
        ) from None
    return example


def _find(name: str) -> tuple[Path, str | None]:
    file, _, class_name = name.partition(":") if ".py:" in name else (name, "", "")
    if file.endswith(".py") or "/" in file:
        path = Path(file)
        if not path.is_file():
            raise SchemaError(f"Schema file {file} not found. The shipped schemas are: {', '.join(list_schemas())}.")
        return path, class_name or None
    path = shipped("schemas") / f"{file}.py"
    if not path.is_file():
        raise SchemaError(
            f"Unknown schema {file!r}. The shipped schemas are: {', '.join(list_schemas())}. "
            f"Give your own as a file: ./{file}.py."
        )
    return path, None


def _load_module(path: Path) -> ModuleType:
    """The module of a file. It is loaded once and again only if its text changes."""
    try:
        return _load(path.resolve(), path, digest(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"Can't read {path} ({error}). Save it as UTF-8 text.") from None


class _SourceLoader(SourceFileLoader):
    """Loads a schema from its source alone.

    A cached bytecode file counts as current if the second of the change and the size are the same, so an edit
    right after a run could be missed. None is written either.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@cache
def _load(resolved: Path, path: Path, text_digest: str) -> ModuleType:
    # A unique name, so that two schemas with the same stem don't collide. The module is registered because
    # pydantic resolves annotations through sys.modules.
    name = f"extractor_schema_{path.stem}_{digest(f'{resolved}:{text_digest}')[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SchemaError(
            f"{error_place(error, path)}: Can't load the schema: {type(error).__name__}: {_first_line(error)}"
            f"{_renaming(error)}"
        ) from error
    return module


def _renaming(error: Exception) -> str:
    """What a schema of version 0.1 has to write now, if the error is about one of its names."""
    message = str(error) if isinstance(error, ImportError) and error.name == "extractor.fields" else ""
    return next((f". {advice}" for old, advice in _RENAMED.items() if f"'{old}'" in message), "")


def _pick_record(module: ModuleType, path: Path, class_name: str | None) -> type[BaseModel]:
    """The named class, or else the one model of the module that no other model in it uses.

    Raises SchemaError.
    """
    models = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    }
    for model in models.values():
        try:
            # Resolves annotations that refer to a class defined further down.
            model.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise SchemaError(
                f"{_place_of_name(model, error.name, path)}: {model.__name__} uses {error.name}, "
                "which is neither defined nor imported. Import it or correct its spelling."
            ) from None
    if class_name is not None:
        if class_name not in models:
            known = ", ".join(models) or "none"
            raise SchemaError(f"{path} has no model {class_name}; its models are: {known}.")
        return models[class_name]
    annotations = {
        name: " ".join(str(info.annotation) for info in model.model_fields.values()) for name, model in models.items()
    }
    roots = [
        name
        for name in models
        if not any(
            re.search(rf"{re.escape(module.__name__)}\.{name}\b", text)
            for other, text in annotations.items()
            if other != name
        )
    ]
    if len(roots) != 1:
        raise SchemaError(
            f"{path} must define exactly one model that no other model uses, the record, but it has "
            f"{', '.join(roots) or 'none'}. Choose one: --schema {path}:{roots[0] if roots else 'ClassName'}"
        )
    return models[roots[0]]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _place_of_name(model: type[BaseModel], unknown: str | None, path: Path) -> str:
    """`file:line` of the model's field whose type refers to the unknown name."""
    pattern = re.compile(rf"\b{re.escape(unknown or '')}\b")
    fields = model.__pydantic_fields__.items()
    return field_place(model, next((name for name, info in fields if pattern.search(str(info.annotation))), None), path)
