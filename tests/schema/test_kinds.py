"""A new field type takes one module. This one is complete, with a schema that uses it, from the text to the
record."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, Field
from scripted import document, recipe, scripted

from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.convert import convert
from extractor.pipeline.recipe import Recipe
from extractor.schema.kinds import Kind
from extractor.schema.loading import load_schema

# --- the module: a telephone number, kept as its digits ---

DIGITS = re.compile(r"(?:0\d{2,3}-)?\d{7,8}")


def find_phones(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in DIGITS.finditer(text)]


def read_phone(value: Any, year: int | None) -> dict[str, str] | None:
    digits = re.sub(r"\D", "", value.clean)
    return {"text": value.text, "digits": digits} if len(digits) >= 7 else None


def same_phone(one: Any, other: Any) -> bool:
    return bool(one["digits"] == other["digits"])


PHONE = Kind(
    "phone",
    longest=20,
    find=find_phones,
    offered_as="span",
    evidence_from="telling clause",
    read=read_phone,
    reads="phone number",
    same=same_phone,
)


class Phone(BaseModel):
    text: str
    digits: str


# --- a schema that uses it ---


class Hotline(BaseModel):
    """一个电话。"""

    number: Annotated[Phone, PHONE] = Field(description="电话号码")


class Hotlines(BaseModel):
    hotlines: list[Hotline] = Field(description="值班电话")


TEXT = "各单位要加强值守。值班电话：0371-65900000，也可以拨打12345678。会期3天。"
HELD = [
    {
        "number": {"text": "0371-65900000", "digits": "037165900000"},
        "evidence": [{"text": "值班电话：0371-65900000", "start": 9, "end": 27}],
    },
    {
        "number": {"text": "12345678", "digits": "12345678"},
        "evidence": [{"text": "也可以拨打12345678", "start": 28, "end": 41}],
    },
]


def lines(profile: Any, *answers: Any) -> list[Any]:
    given = iter(answers)
    schema = load_schema(Hotlines)
    return [
        done.line for done in convert(document(TEXT), Recipe(schema, "m", profile), scripted(lambda _: next(given)))
    ]


def test_a_model_that_reads_copies_the_words_and_code_computes_the_value() -> None:
    (line,) = lines(LARGE, {"hotlines": [{"number": "0371-65900000"}, {"number": "12345678"}, {"number": "87654321"}]})
    assert line["record"]["hotlines"] == HELD
    assert [(p["kind"], p["value"]) for p in line["problems"]] == [("ungrounded", "87654321")]


def test_code_finds_the_values_if_forms_are_filled() -> None:
    (line,) = lines(SMALL)
    assert line["record"]["hotlines"] == HELD


def test_words_that_cannot_be_read_become_a_problem() -> None:
    (line,) = lines(LARGE, {"hotlines": [{"number": "3"}]})
    assert line["record"]["hotlines"] == []
    assert [(p["kind"], p["detail"]) for p in line["problems"]] == [
        ("unreadable", "no phone number can be computed from these words")
    ]


def test_the_kinds_name_is_part_of_the_fingerprint() -> None:
    assert len({*Recipe(load_schema(Hotlines), "m", LARGE).fields.values(), *recipe().fields.values()}) == 6


class Notice(BaseModel):
    """A record with the new type as fields of its own."""

    phone: Annotated[Phone, PHONE] | None = Field(description="值班电话")
    phones: list[Annotated[Phone, PHONE]] = Field(description="所有电话")


def test_it_is_a_field_of_the_record_as_well() -> None:
    answer = {"phone": "12345678", "phones": ["0371-65900000", "12345678"]}
    call = scripted(lambda request: {name: answer[name] for name in request.about["field"].split("+")})
    (done,) = convert(document(TEXT), Recipe(load_schema(Notice), "m", LARGE), call)
    first, second = (item["number"] for item in HELD)
    assert done.line["record"] == {"phone": second, "phones": [first, second]}
    assert [place["text"] for place in done.line["evidence"]["phones"]] == [
        "值班电话：0371-65900000",
        "也可以拨打12345678",
    ]
