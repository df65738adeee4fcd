"""Loading schemas by name and by path, the cost of a new field, and that the engine knows no particular
schema."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from scripted import ROOT, by_field, document, recipe, scripted

from extractor.authoring.describe import line_schema
from extractor.document import Json
from extractor.llm.call import Profile, Request, request_key
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import list_schemas, load_prompts, load_schema, shipped
from extractor.schema.shape import SchemaError

MEETING = ROOT / "schemas" / "meeting.py"
VENUE = '    venue: Verbatim | None = Field(description="会议召开的地点，照抄原文")\n'
TEXT = (
    "3月12日上午，全县安全生产工作会议在县政府礼堂召开。县长何志远主持会议并讲话，副县长吴倩通报有关情况。"
    "去年，全县排查隐患1260处。何志远要求，各乡镇要建立隐患台账，力争年底前整改率提高到99%以上。"
)


def write(folder: Path, source: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(source, encoding="utf-8")
    return str(path)


def test_shipped_schemas_load_by_name() -> None:
    assert list_schemas() == ["meeting", "notice"]
    assert [load_schema(name).record.__name__ for name in list_schemas()] == ["MeetingRecord", "Notice"]


def test_a_shipped_schema_and_the_same_file_by_path_have_the_same_digest() -> None:
    by_name, by_path = (Recipe(load_schema(name), "m", LARGE) for name in ("meeting", str(MEETING)))
    assert (by_name.digest, by_name.fields) == (by_path.digest, by_path.fields)


# --- adding a field ---


@pytest.fixture
def with_venue(tmp_path: Path) -> str:
    source = MEETING.read_text(encoding="utf-8")
    return write(tmp_path, source + ("" if source.endswith("\n") else "\n") + VENUE, "with_venue.py")


def asked_for(schema: str, profile: Profile) -> tuple[list[Request], Json]:
    asked: list[Request] = []
    call = scripted(by_field(venue="县政府礼堂"), asked)
    (done,) = convert(document(TEXT), Recipe(load_schema(schema), "scripted", profile), call)
    return asked, done.line


@pytest.mark.parametrize("profile", [LARGE, SMALL], ids=["read", "form"])
def test_a_new_field_does_not_change_the_questions_for_the_others(with_venue: str, profile: Profile) -> None:
    before, _ = asked_for("meeting", profile)
    after, _ = asked_for(with_venue, profile)
    kept = [request for request in after if request.about["field"] != "venue"]
    assert [json.dumps(r.body) for r in kept] == [json.dumps(r.body) for r in before]
    assert {request_key(r.body) for r in before} < {request_key(r.body) for r in after}
    assert [r.about["field"] for r in after if r not in kept] == ["venue"]


@pytest.mark.parametrize("profile", [LARGE, SMALL], ids=["read", "form"])
def test_a_new_field_is_asked_and_comes_out_with_its_evidence(with_venue: str, profile: Profile) -> None:
    asked, line = asked_for(with_venue, profile)
    (question,) = (r for r in asked if r.about["field"] == "venue")
    words = "".join(message["content"] for message in question.body["messages"])
    assert re.search("venue(?:（一个值）)?：会议召开的地点，照抄原文", words)
    assert line["record"]["venue"] == "县政府礼堂"
    (place,) = line["evidence"]["venue"]
    assert TEXT[place["start"] : place["end"]] == place["text"]
    assert "县政府礼堂" in place["text"]


def test_a_new_field_is_in_the_output_schema(with_venue: str) -> None:
    schema = line_schema(load_schema(with_venue))
    assert "venue" in schema["properties"]["record"]["properties"]
    assert "venue" not in line_schema(load_schema("meeting"))["properties"]["record"]["properties"]
    _, line = asked_for(with_venue, LARGE)
    Draft202012Validator(schema).validate(line)


def test_a_new_field_that_the_text_lacks_is_null_with_a_problem(with_venue: str) -> None:
    call = scripted(by_field(venue="市人民大会堂"))
    (done,) = convert(document(TEXT), Recipe(load_schema(with_venue), "scripted", LARGE), call)
    assert done.line["record"]["venue"] is None
    assert [(p["kind"], p["field"], p["value"]) for p in done.line["problems"]] == [
        ("ungrounded", "venue", "市人民大会堂")
    ]


def test_a_new_field_changes_the_recipe(with_venue: str) -> None:
    assert Recipe(load_schema(with_venue), "scripted", LARGE).digest != recipe().digest


# --- what a digest depends on ---

SHOWN = """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
from extractor.fields import Name, Shown

class Person(BaseModel):
    name: Name
    roles: list[Annotated[Literal["chair", "guest", "other"], Shown(otherwise="OTHERWISE", chair="PATTERN")]]

class Record(BaseModel):
    people: list[Person]
"""


def test_the_digest_depends_on_the_words_of_shown(tmp_path: Path) -> None:
    variants = [("other", "主持"), ("guest", "主持"), ("other", "主持|召集")]
    sources = [SHOWN.replace("OTHERWISE", one).replace("PATTERN", other) for one, other in variants]
    assert len({Recipe(load_schema(write(tmp_path, s, "s.py")), "m", LARGE).digest for s in sources}) == len(variants)


# --- errors ---

HEAD = "from pydantic import BaseModel\nfrom extractor.fields import Name, Verbatim\n"


def refusal(name: str) -> str:
    with pytest.raises(SchemaError) as error:
        load_schema(name)
    return str(error.value)


def test_an_unknown_schema_is_refused() -> None:
    assert refusal("meetings") == (
        "Unknown schema 'meetings'. The shipped schemas are: meeting, notice. Give your own as a file: ./meetings.py."
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.py"
    assert refusal(str(path)) == f"Schema file {path} not found. The shipped schemas are: meeting, notice."


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("class Record(", 1, "SyntaxError"),
        ("import no_such_module_at_all", 1, "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("\n1 / 0", 2, "ZeroDivisionError"),
        ("def f():\n    1 / 0\n\nf()\n", 2, "ZeroDivisionError"),
        (HEAD + "class X: pass\n\nclass A(BaseModel):\n    x: X | None\n", 5, "PydanticSchemaGenerationError"),
    ],
)
def test_a_file_that_fails_to_load_is_reported_with_its_line(tmp_path: Path, source: str, line: int, says: str) -> None:
    path = write(tmp_path, source)
    assert refusal(path).startswith(f"{path}:{line}: Can't load the schema: {says}")
    assert "\n" not in refusal(path)


def test_an_undefined_name_in_an_annotation_is_reported_with_its_line(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\n" + HEAD + "class A(BaseModel):\n    x: Name | None\n    y: Nmae | None\n"
    )
    path = write(tmp_path, source)
    assert refusal(path) == (
        f"{path}:6: A uses Nmae, which is neither defined nor imported. Import it or correct its spelling."
    )


def test_a_record_may_stand_above_its_items(tmp_path: Path) -> None:
    source = "from __future__ import annotations\n" + HEAD
    source += "class A(BaseModel):\n    items: list[Item]\n\nclass Item(BaseModel):\n    x: Name\n"
    (field,) = load_schema(write(tmp_path, source)).fields
    assert (field.many, field.anchor.name) == (True, "x")


def test_several_records_need_a_choice(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "class A(BaseModel):\n    x: Name | None\nclass B(BaseModel):\n    x: Name | None\n")
    assert refusal(path) == (
        f"{path} must define exactly one model that no other model uses, the record, but it has A, B. "
        f"Choose one: --schema {path}:A"
    )
    assert load_schema(f"{path}:B").record.__name__ == "B"


def test_a_file_without_a_model_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD)
    assert f"but it has none. Choose one: --schema {path}:ClassName" in refusal(path)


def test_a_missing_class_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "class A(BaseModel):\n    x: Name | None\n")
    assert refusal(f"{path}:Z") == f"{path} has no model Z; its models are: A."


def test_a_record_whose_name_is_a_prefix_of_another_models_name_is_found(tmp_path: Path) -> None:
    source = HEAD + (
        "class RecordItem(BaseModel):\n    x: Name\n"
        "class Other(BaseModel):\n    items: list[RecordItem]\n"
        "class Record(BaseModel):\n    x: Name | None\n"
    )
    assert "but it has Other, Record." in refusal(write(tmp_path, source))


def test_an_unusable_field_is_reported_with_its_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "class A(BaseModel):\n    x: int\n")
    assert refusal(path).startswith(f"{path}:4: A.x is int, which the engine can't ground.")


@pytest.mark.parametrize(
    ("models", "line", "says"),
    [
        ("class A(BaseModel):\n    x: Name | None\n    y: dict[str, str]\n", 5, "A.y is dict[str, str]"),
        ("class I(BaseModel):\n    x: Name\n    n: int\nclass A(BaseModel):\n    xs: list[I]\n", 5, "A.xs.n is int"),
        ("class B(BaseModel):\n    x: int\nclass A(B):\n    y: Name | None\n", 4, "A.x is int"),
        ("class A(BaseModel):\n    pass\n", 3, "A has no fields"),
        (
            "class J(BaseModel):\n    x: Name\nclass I(BaseModel):\n    x: Name\n    js: list[J]\n"
            "class A(BaseModel):\n    xs: list[I]\n",
            7,
            "A.xs.js is J, a model within a model",
        ),
    ],
)
def test_an_error_has_the_line_of_the_field_at_fault(tmp_path: Path, models: str, line: int, says: str) -> None:
    path = write(tmp_path, HEAD + models)
    assert refusal(f"{path}:A").startswith(f"{path}:{line}: {says}")


def test_a_missing_example_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "EXAMPLE = 'no.json'\nclass A(BaseModel):\n    x: Name | None\n")
    assert (
        refusal(path)
        == f"{path}:3: Prompt no.json not found, neither beside {path} nor among the shipped ones. Create it there."
    )


@pytest.mark.parametrize(
    "example", ["{", "[]", "1", '{"text": "一"}', '{"text": "一", "record": []}', '{"text": 1, "record": {}}']
)
def test_a_malformed_example_is_refused(tmp_path: Path, example: str) -> None:
    path = write(tmp_path, HEAD + "EXAMPLE = 'e.json'\nclass A(BaseModel):\n    x: Name | None\n")
    write(tmp_path, example, "e.json")
    place = tmp_path / "e.json"
    assert f'{place}:1: The example e.json of {path} must be a JSON object with "text" and "record" (' in refusal(path)


# --- prompts ---


def test_a_prompt_beside_the_schema_overrides_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "只写JSON。$example", "task.md")
    prompts = load_prompts(tmp_path / "mine.py", None)
    assert prompts.task.template == "只写JSON。$example"
    assert prompts.read.template == (shipped("prompts") / "read.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (
            "task.md",
            "写$sample",
            "uses the unknown placeholder $sample. It may use $example; write a plain dollar sign as $$.",
        ),
        ("read.md", "$passage $rows", "uses the unknown placeholder $rows. It may use $headings, $passage, $name,"),
        ("form.md", "5$ $passage", "has a $ without a name after it"),
    ],
)
def test_a_prompt_with_an_unknown_placeholder_is_refused_on_loading(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    write(tmp_path, text, file)
    with pytest.raises(SchemaError) as error:
        load_prompts(tmp_path / "mine.py", None)
    assert str(error.value).startswith(f"{tmp_path / file}:1: The prompt {file} for")
    assert says in str(error.value)


def test_a_prompt_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.md").write_bytes("任务".encode("gb18030"))
    with pytest.raises(SchemaError, match=r"Can't read the prompt .*task\.md \(.*\)\. Save it as UTF-8 text\."):
        load_prompts(tmp_path / "mine.py", None)


# --- the engine knows no particular schema ---

# Field names that the engine also uses as its own nouns.
GENERAL = {"date", "name", "value", "text", "number", "evidence", "period", "region"} | {
    *("base", "deadline", "heading", "mentions", "speaker"),
}


def fields_of(path: Path) -> set[str]:
    classes = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)]
    names = [s.target for c in classes for s in c.body if isinstance(s, ast.AnnAssign)]
    return {target.id for target in names if isinstance(target, ast.Name)}


def words_of(path: Path) -> dict[Any, int]:
    """String constants, attributes and names in a module, with their lines."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=word) | ast.Attribute(attr=word) | ast.Name(id=word) | ast.keyword(arg=word):
                found[word] = node.lineno
    return found


@pytest.mark.parametrize("module", sorted((ROOT / "extractor").rglob("*.py")), ids=lambda path: path.name)
def test_the_engine_uses_no_field_name_of_a_shipped_schema(module: Path) -> None:
    words = set().union(*map(fields_of, (ROOT / "schemas").glob("*.py"))) - GENERAL
    assert {"officials", "statistics", "responsible", "obligations"} <= words
    assert not {word: line for word, line in words_of(module).items() if word in words}


@pytest.mark.parametrize(
    ("old", "advice"),
    [
        ("Places", "Write `evidence: list[Evidence]` where it said `evidence: Places`."),
        ("Signs", "It is called Expects now."),
        ("Together", "It is called Group now."),
    ],
)
def test_a_schema_of_version_0_1_is_told_what_to_write(tmp_path: Path, old: str, advice: str) -> None:
    path = tmp_path / "old.py"
    path.write_text(f"from extractor.fields import {old}\n", encoding="utf-8")
    with pytest.raises(SchemaError) as error:
        load_schema(str(path))
    assert str(error.value).startswith(f"{path}:1: Can't load the schema: ImportError: cannot import name '{old}'")
    assert str(error.value).endswith(advice)


def test_an_edit_in_the_same_second_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "mine.py"
    descriptions = []
    for word in ("地点", "会场"):
        file.write_text(
            "from pydantic import BaseModel, Field\nfrom extractor.fields import Name\n"
            f'class Mine(BaseModel):\n    venue: Name | None = Field(description="{word}")\n'
        )
        os.utime(file, (1_700_000_000, 1_700_000_000))
        descriptions.append(load_schema(str(file)).fields[0].description)
    assert descriptions == ["地点", "会场"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
