"""What a schema's types say: each form of field that is supported, and a sentence for each that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from extractor.authoring.check import check_schema
from extractor.fields import (
    Clause,
    Cue,
    EdtfDate,
    Evidence,
    Most,
    Name,
    Quantity,
    Shown,
    Verbatim,
    Within,
    Worded,
)
from extractor.schema.shape import LONGEST_LEAF_LIST, LONGEST_LIST, SchemaError, read_shape, record_with_evidence


def shape_of(annotation: Any, **info: Any) -> Any:
    (shape,) = read_shape(create_model("Record", f=(annotation, Field(**info))))
    return shape


class Vote(BaseModel):
    """The optional note goes before what the vote stands on."""

    note: Verbatim | None
    voters: list[Name]
    outcome: Literal["passed", "rejected"]
    result: Worded
    motion: Clause
    ayes: Quantity | None
    held: EdtfDate | None
    evidence: list[Evidence]


@pytest.mark.parametrize(
    ("annotation", "kind", "optional", "many"),
    [
        (Name | None, "name", True, False),
        (Verbatim | None, "verbatim", True, False),
        (Clause | None, "clause", True, False),
        (Quantity | None, "quantity", True, False),
        (EdtfDate | None, "date", True, False),
        (list[Name], "name", False, True),
        (list[Verbatim], "verbatim", False, True),
        (list[Quantity], "quantity", False, True),
        (list[EdtfDate], "date", False, True),
        (list[Verbatim] | None, "verbatim", True, True),
        (Annotated[Verbatim | None, Cue("地点")], "verbatim", True, False),
        (Annotated[list[Annotated[Verbatim, Within("passage")]], Cue("地点")], "verbatim", False, True),
    ],
    ids=str,
)
def test_leaf_fields(annotation: Any, kind: str, optional: bool, many: bool) -> None:
    shape = shape_of(annotation, description="哪里")
    (leaf,) = shape.leaves
    assert (shape.item, shape.description, leaf.description) == (None, "哪里", "哪里")
    assert (leaf.kind.name, leaf.optional, leaf.many, shape.anchor) == (kind, optional, many, leaf)


@pytest.mark.parametrize(
    ("annotation", "many"), [(Vote | None, False), (list[Vote], True), (list[Vote] | None, True)], ids=str
)
def test_items(annotation: Any, many: bool) -> None:
    shape = shape_of(annotation)
    assert (shape.item, shape.many) == (Vote, many)
    assert [leaf.kind.name for leaf in shape.leaves] == [
        *("verbatim", "name", "choice", "worded", "clause", "quantity", "date", "evidence")
    ]


def test_an_item_stands_on_its_first_required_value_that_is_in_the_text() -> None:
    """Neither on an optional one, nor on a list, a choice or a wording, wherever they come."""
    assert shape_of(list[Vote]).anchor.name == "motion"


def test_evidence_is_not_asked_for() -> None:
    class Seen(BaseModel):
        what: Clause
        where: list[Evidence]

    shape = shape_of(list[Seen])
    assert [leaf.name for leaf in shape.asked] == ["what"]
    assert [leaf.kind.name for leaf in shape.leaves] == ["clause", "evidence"]


def test_an_item_without_evidence_gets_it() -> None:
    class Seen(BaseModel):
        what: Clause

    class Record(BaseModel):
        seen: list[Seen]
        first: Seen | None

    fields = read_shape(Record)
    assert [[leaf.name for leaf in field.leaves] for field in fields] == [["what", "evidence"]] * 2
    place = {"text": "要加强巡查", "start": 0, "end": 5}
    item = {"what": "加强巡查", "evidence": [place]}
    made = record_with_evidence(Record, fields)
    assert made.model_validate({"seen": [item], "first": item}).model_dump() == {"seen": [item], "first": item}
    assert Record.model_validate({"seen": [item], "first": None}).seen == [Seen(what="加强巡查")]


def test_a_record_with_evidence_stays_as_it_is() -> None:
    class Seen(BaseModel):
        what: Clause
        evidence: list[Evidence]

    class Record(BaseModel):
        seen: list[Seen]

    assert record_with_evidence(Record, read_shape(Record)) is Record


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    what: Clause


class Named(BaseModel):
    what: Clause
    evidence: Verbatim | None


class Single(BaseModel):
    what: Clause
    where: Evidence


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Strict, "but Strict forbids keys that it does not name. Give it a field `evidence: list[Evidence]`."),
        (Named, "but Named has another use for that name. Give it a field `evidence: list[Evidence]`."),
        (Single, "must be a list, even of one place: write `where: list[Evidence]`."),
    ],
    ids=["extra forbidden", "name taken", "no list"],
)
def test_evidence_that_can_t_be_is_refused(item: Any, said: str) -> None:
    with pytest.raises(SchemaError) as error:
        shape_of(list[item])
    assert said in str(error.value)


def test_markers_are_read_wherever_they_stand() -> None:
    shown = Shown(chair="主持")
    most, cue, within = Most(3), Cue("年"), Within("passage")

    class Item(BaseModel):
        name: Name
        roles: list[Annotated[Literal["chair"], shown]]
        outer: Annotated[Verbatim | None, within, most]
        inner: Annotated[Verbatim, within] | None

    shape = shape_of(Annotated[list[Item], cue, most])
    _, roles, outer, inner, _ = shape.leaves
    assert (shape.cue, shape.most, roles.shown, roles.choices) == (cue, 3, shown, ("chair",))
    assert (outer.within, outer.most, inner.within) == ("passage", 3, "passage")


def test_lists_are_bounded_though_nobody_says_how() -> None:
    shape = shape_of(list[Vote])
    assert (shape.most, shape.leaves[1].most) == (LONGEST_LIST, LONGEST_LEAF_LIST)


class NoPlace(BaseModel):
    note: Verbatim | None
    kind: Literal["a"]
    wording: Worded


class Deep(BaseModel):
    name: Name
    votes: list[Vote]


class Plain(BaseModel):
    name: Name
    count: int


CANT_GROUND = "which the engine can't ground. Use Name, Verbatim, Clause, Worded, Quantity, EdtfDate, Evidence"
NO_PLACE = "has no place of its own in the text. Put it into a model, beside a Name, Verbatim"


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (str, f"Record.f is str, {CANT_GROUND}"),
        (int | None, f"Record.f is int, {CANT_GROUND}"),
        (dict[str, str], "Record.f is dict[str, str], which the engine can't ground and which no provider takes in"),
        (Any, "Record.f is Any, which the engine can't ground"),
        (list[list[Verbatim]], "which the engine can't ground"),
        (Name | Quantity, "which the engine can't ground"),
        (Literal[1, 2], "which the engine can't ground"),
        (list[Plain], f"Record.f.count is int, {CANT_GROUND}"),
        (list[Deep], "Record.f.votes is Vote, a model within a model: strict structured output, a small model and"),
        (list[list[Vote]], "which the engine can't ground"),
        (list[NoPlace], "Record.f: NoPlace has no required field that stands in the text"),
        (Literal["a", "b"] | None, f"Record.f (choice) {NO_PLACE}"),
        (Worded | None, f"Record.f (worded) {NO_PLACE}"),
        (Evidence | None, "Record.f must be a list, even of one place: write `f: list[Evidence]`."),
        (list[Evidence], f"Record.f (evidence) {NO_PLACE}"),
        (Verbatim, "Record.f must hold a value, which a text may lack: write `… | None`, or a list."),
        (EdtfDate, "Record.f must hold a value, which a text may lack"),
        (Vote, "Record.f must hold a value, which a text may lack"),
    ],
    ids=str,
)
def test_what_the_engine_cannot_do_is_a_sentence(annotation: Any, says: str) -> None:
    with pytest.raises(SchemaError) as error:
        shape_of(annotation)
    assert says in str(error.value)
    assert str(error.value).endswith(".")


def test_a_record_needs_a_field() -> None:
    with pytest.raises(SchemaError, match="Empty has no fields: give it at least one"):
        read_shape(create_model("Empty"))


def test_a_list_on_numbers_without_a_cue_is_complained_of(tmp_path: Path) -> None:
    file = tmp_path / "funds.py"
    file.write_text(
        "from pydantic import BaseModel, Field\n"
        "from extractor.fields import Evidence, Quantity\n\n"
        "class Fund(BaseModel):\n"
        '    amount: Quantity = Field(description="金额")\n'
        "    evidence: list[Evidence]\n\n"
        "class Record(BaseModel):\n"
        '    funds: list[Fund] = Field(description="资金")\n',
        encoding="utf-8",
    )
    (error,) = check_schema(str(file)).errors
    assert error.startswith(f"{file}:9: Record.funds has no Cue")
