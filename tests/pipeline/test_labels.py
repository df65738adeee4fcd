"""Labels of a whole text: a choice that is a field of the record itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from scripted import document, scripted

from extractor.document import Json
from extractor.errors import TruncatedError
from extractor.evaluation.scoring import Counts, score
from extractor.llm.call import Profile, Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.backfill import valid_fields
from extractor.pipeline.convert import Converted, EarlierRecord, convert
from extractor.pipeline.output_line import line_schema
from extractor.pipeline.recipe import Recipe
from extractor.runs.summary import count_items
from extractor.schema.loading import Schema, load_schema

SCHEMA = """from typing import Annotated, Literal
from pydantic import BaseModel, Field
from extractor.fields import *

class Record(BaseModel):
    kind: KIND = Field(description="文种")
    venue: Annotated[Verbatim | None, Cue("召开")] = Field(description="地点")
"""
ONE = 'Literal["speech", "report", "无"] | None'
SEVERAL = 'list[Literal["水利", "交通", "卫生"]]'
SHOWN = 'Annotated[Literal["speech", "report", "other"] | None, Shown(otherwise="other", speech="同志们")]'
# Three passages for a model that reads, more for one that fills forms.
LONG = "同志们：今天召开会议。\n" + "\n".join(
    f"第{n}，要抓好水利工作，落实各项责任。" + "各地认真落实。" * 20 for n in range(40)
)


def schema(folder: Path, kind: str = ONE) -> Schema:
    path = folder / "mine.py"
    path.write_text(SCHEMA.replace("KIND", kind), encoding="utf-8")
    return load_schema(str(path))


def ask(
    schema: Schema, answer: Callable[[Request], Any], text: str = LONG, profile: Profile = LARGE, earlier: Any = None
) -> tuple[Converted, list[Request]]:
    asked: list[Request] = []

    def reply(request: Request) -> Any:
        return {"kind": answer(request)} if request.about["field"] == "kind" else {"venue": None}

    known = (lambda name: EarlierRecord(earlier)) if earlier else (lambda name: None)
    (done,) = convert(document(text), Recipe(schema, "scripted", profile), scripted(reply, asked), known=known)
    Draft202012Validator(line_schema(schema)).validate(done.line)
    return done, [request for request in asked if request.about["field"] == "kind"]


def in_turn(*answers: Any) -> Callable[[Request], Any]:
    """These answers, in the order of the passages; null after them."""
    left = list(answers)
    return lambda request: left.pop(0) if left else None


@pytest.mark.parametrize(
    ("kind", "answers", "holds", "problems"),
    [
        (ONE, ["report"], "report", []),
        (ONE, [None, "report", "speech"], "report", []),
        (ONE, ["无", "speech"], "无", []),
        (ONE, [None], None, []),
        (ONE, ["law"], None, ["unfit law"]),
        (ONE, ["law", "SPEECH"], "speech", ["unfit law"]),
        (ONE, [["speech", "report"]], "speech", ["unfit report"]),
        (SEVERAL, [["卫生", "水利"]], ["水利", "卫生"], []),
        (SEVERAL, [["水利"], ["交通", "水利"]], ["水利", "交通"], []),
        (SEVERAL, ["交通", "农业"], ["交通"], ["unfit 农业"]),
        (SEVERAL, [[]], [], []),
        (SHOWN, ["speech"], "speech", []),
        (SHOWN, [None, "speech"], "other", ["unsupported speech"]),
        (SHOWN, ["other", "report"], "report", []),
        (SHOWN, [None], "other", []),
    ],
)
def test_what_the_record_holds(kind: str, answers: list[Any], holds: Any, problems: list[str], tmp_path: Path) -> None:
    """The first passage that answers wins; no choice becomes evidence, and none is a conflict."""
    done, asked = ask(schema(tmp_path, kind), in_turn(*answers))
    assert len(asked) == 3
    assert done.line["record"]["kind"] == holds
    assert "kind" not in done.line["evidence"]
    assert done.line["coverage"] == {}
    assert [f"{p['kind']} {p['value']}" for p in done.line["problems"]] == problems


@pytest.mark.parametrize("kind", [ONE, SEVERAL])
def test_a_model_that_fills_forms_is_asked_once_about_the_first_passage(kind: str, tmp_path: Path) -> None:
    answer: Any = "speech" if kind == ONE else ["水利"]
    for profile in (SMALL, replace(SMALL, verify=True, second_pass=True)):
        done, asked = ask(schema(tmp_path, kind), lambda request: answer, profile=profile)
        assert [request.about["start"] for request in asked] == [0]
        assert done.line["record"]["kind"] == answer
        question = asked[0].body["messages"][1]["content"]
        assert ("speech、report、无" if kind == ONE else "水利、交通、卫生") in question


def test_a_cue_says_which_passage_a_form_is_about(tmp_path: Path) -> None:
    cued = schema(tmp_path, f'Annotated[{ONE}, Cue("第39，")]')
    done, (request,) = ask(cued, lambda request: "speech", profile=SMALL)
    start, end = request.about["start"], request.about["end"]
    assert "第39，" in LONG[start:end]
    assert done.line["record"]["kind"] == "speech"
    _, asked = ask(cued, lambda request: "speech", text="会议结束。", profile=SMALL)
    assert asked == []


@pytest.mark.parametrize("profile", [LARGE, SMALL], ids=["read", "form"])
def test_a_text_with_nothing_else_is_asked_for_its_label(profile: Profile, tmp_path: Path) -> None:
    done, asked = ask(schema(tmp_path), lambda request: "report", text="今天天气很好。", profile=profile)
    assert len(asked) == 1
    assert done.line["record"] == {"kind": "report", "venue": None}


def test_a_question_that_failed_leaves_the_label_open(tmp_path: Path) -> None:
    """`otherwise` is no answer to a question that got none: the document would count as answered."""

    def fail(request: Request) -> Any:
        raise TruncatedError("cut off")

    done, _ = ask(schema(tmp_path, SHOWN), fail, text="会议结束。")
    assert done.line["record"]["kind"] is None
    assert {failure.field for failure in done.failures} == {"kind"}
    assert not any(count_items(done).values())


def test_a_shared_question_asks_for_a_label_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    source = SCHEMA.replace("KIND", f'Annotated[{ONE}, Group("all")]').replace('Cue("召开")', 'Group("all")')
    path.write_text(source, encoding="utf-8")
    asked: list[Request] = []
    recipe = Recipe(load_schema(str(path)), "scripted", LARGE)
    call = scripted(lambda request: {"kind": "report", "venue": "县礼堂"}, asked)
    (done,) = convert(document("会议在县礼堂召开。"), recipe, call)
    assert [request.about["field"] for request in asked] == ["kind+venue"]
    assert done.line["record"] == {"kind": "report", "venue": "县礼堂"}
    assert list(done.line["evidence"]) == ["venue"]


def test_a_back_fill_keeps_a_label_and_moves_it_with_was(tmp_path: Path) -> None:
    first, _ = ask(schema(tmp_path), lambda request: "report")
    same, asked = ask(schema(tmp_path), lambda request: "speech", earlier=first.line)
    assert (asked, same.line) == ([], first.line)
    renamed = load_schema(str(_renamed(tmp_path)))
    assert valid_fields(first.line, Recipe(renamed, "scripted", LARGE))["sort"] == "kind"
    other = schema(tmp_path, ONE.replace('"report"', '"report", "law"'))
    changed, asked = ask(other, lambda request: "law", earlier=first.line)
    assert (len(asked), changed.line["record"]["kind"]) == (3, "law")


def _renamed(folder: Path) -> Path:
    path = folder / "renamed.py"
    source = SCHEMA.replace("kind: KIND", f'sort: Annotated[{ONE}, Was("kind")]')
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "found", "wanted", "counts"),
    [
        (ONE, "report", "report", Counts(1, 1, 1)),
        (ONE, "Report", "report", Counts(0, 1, 1)),
        (ONE, None, "report", Counts(0, 1, 1)),
        (ONE, None, None, Counts(1, 1, 1)),
        (SEVERAL, ["水利", "交通"], ["水利"], Counts(1, 2, 1)),
    ],
)
def test_labels_are_scored_exactly(kind: str, found: Any, wanted: Any, counts: Counts, tmp_path: Path) -> None:
    gold: Json = {"d": {"kind": wanted}}
    scored = score(schema(tmp_path, kind).fields, gold, {"d": {"kind": found}})
    assert scored["d"].counts["kind"] == counts
