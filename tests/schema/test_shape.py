"""Reading a schema's types: every supported form of field, and a sentence for every unsupported one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

from extractor.authoring.check import check_schema
from extractor.fields import (
    Clause,
    Cue,
    EdtfDate,
    Evidence,
    Expects,
    Most,
    Name,
    Quantity,
    Shown,
    Verbatim,
    Within,
    Worded,
)
from extractor.schema.output_model import record_with_evidence
from extractor.schema.shape import MAX_ITEMS, MAX_LEAF_ITEMS, SchemaError, read_fields


def field_of(annotation: Any, **info: Any) -> Any:
    (field,) = read_fields(create_model("Record", f=(annotation, Field(**info))))
    return field


class Vote(BaseModel):
    """An item whose anchor is not its first leaf."""

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
        (Literal["a", "b"] | None, "choice", True, False),
        (list[Literal["a", "b"]], "choice", False, True),
        (Annotated[Verbatim | None, Cue("地点")], "verbatim", True, False),
        (Annotated[list[Annotated[Verbatim, Within("passage")]], Cue("地点")], "verbatim", False, True),
    ],
    ids=str,
)
def test_leaf_fields(annotation: Any, kind: str, optional: bool, many: bool) -> None:
    field = field_of(annotation, description="哪里")
    (leaf,) = field.leaves
    assert (field.item, field.description, leaf.description) == (None, "哪里", "哪里")
    assert (leaf.kind.name, leaf.optional, leaf.many, field.anchor) == (kind, optional, many, leaf)


@pytest.mark.parametrize(
    ("annotation", "many"), [(Vote | None, False), (list[Vote], True), (list[Vote] | None, True)], ids=str
)
def test_items(annotation: Any, many: bool) -> None:
    field = field_of(annotation)
    assert (field.item, field.many) == (Vote, many)
    assert [leaf.kind.name for leaf in field.leaves] == [
        *("verbatim", "name", "choice", "worded", "clause", "quantity", "date", "evidence")
    ]


def test_the_anchor_is_the_first_required_leaf_with_a_place() -> None:
    """Never an optional leaf, a list, a choice or a wording, wherever they come."""
    assert field_of(list[Vote]).anchor.name == "motion"


def test_evidence_is_not_asked_for() -> None:
    class Seen(BaseModel):
        what: Clause
        where: list[Evidence]

    field = field_of(list[Seen])
    assert [leaf.name for leaf in field.asked] == ["what"]
    assert [leaf.kind.name for leaf in field.leaves] == ["clause", "evidence"]


def test_evidence_is_added_to_an_item_without_it() -> None:
    class Seen(BaseModel):
        what: Clause

    class Record(BaseModel):
        seen: list[Seen]
        first: Seen | None

    fields = read_fields(Record)
    assert [[leaf.name for leaf in field.leaves] for field in fields] == [["what", "evidence"]] * 2
    place = {"text": "要加强巡查", "start": 0, "end": 5}
    item = {"what": "加强巡查", "evidence": [place]}
    made = record_with_evidence(Record, fields)
    assert made.model_validate({"seen": [item], "first": item}).model_dump() == {"seen": [item], "first": item}
    assert Record.model_validate({"seen": [item], "first": None}).seen == [Seen(what="加强巡查")]


def test_a_record_with_evidence_is_not_changed() -> None:
    class Seen(BaseModel):
        what: Clause
        evidence: list[Evidence]

    class Record(BaseModel):
        seen: list[Seen]

    assert record_with_evidence(Record, read_fields(Record)) is Record


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
    ("item", "message"),
    [
        (Strict, "but Strict forbids extra fields. Declare it: `evidence: list[Evidence]`."),
        (Named, "but Named uses that name for something else. Declare it: `evidence: list[Evidence]`."),
        (Single, "must be a list, even for a single place. Write `where: list[Evidence]`."),
    ],
    ids=["extra forbidden", "name taken", "not a list"],
)
def test_an_item_that_cannot_hold_evidence_is_refused(item: Any, message: str) -> None:
    with pytest.raises(SchemaError) as error:
        field_of(list[item])
    assert message in str(error.value)


def test_markers_are_found_at_every_level_of_a_type() -> None:
    shown = Shown(chair="主持")
    most, cue, within = Most(3), Cue("年"), Within("passage")

    class Item(BaseModel):
        name: Name
        roles: list[Annotated[Literal["chair"], shown]]
        outer: Annotated[Verbatim | None, within, most]
        inner: Annotated[Verbatim, within] | None

    field = field_of(Annotated[list[Item], cue, most])
    _, roles, outer, inner, _ = field.leaves
    assert (field.cue, field.max_items, roles.shown, roles.choices) == (cue, 3, shown, ("chair",))
    assert (outer.within, outer.max_items, inner.within) == ("passage", 3, "passage")


def test_lists_have_a_default_limit() -> None:
    field = field_of(list[Vote])
    assert (field.max_items, field.leaves[1].max_items) == (MAX_ITEMS, MAX_LEAF_ITEMS)


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
NO_PLACE = "has no place of its own in the text. Put it into a model, beside a Name, Verbatim, Clause"
REQUIRED = "is required, but a text may lack the value. Write `… | None`, or make it a list."


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (str, f"Record.f is str, {CANT_GROUND}"),
        (int | None, f"Record.f is int, {CANT_GROUND}"),
        (dict[str, str], "Record.f is dict[str, str], which the engine can't ground and no provider accepts in"),
        (Any, "Record.f is Any, which the engine can't ground"),
        (list[list[Verbatim]], "which the engine can't ground"),
        (Name | Quantity, "which the engine can't ground"),
        (Literal[1, 2], "which the engine can't ground"),
        (list[Plain], f"Record.f.count is int, {CANT_GROUND}"),
        (list[Deep], "Record.f.votes is Vote, a model within a model. Items are one level deep, since strict"),
        (list[list[Vote]], "which the engine can't ground"),
        (list[NoPlace], "Record.f: NoPlace has no required field with a place in the text"),
        (Literal["a", "b"], f"Record.f {REQUIRED}"),
        (Annotated[Literal["a"] | None, Expects("某")], "Record.f is a label of the whole text"),
        (RootModel[list[Name]] | None, "is a RootModel, but a record has fields."),
        (Worded | None, f"Record.f (worded) {NO_PLACE}"),
        (Evidence | None, "Record.f must be a list, even for a single place. Write `f: list[Evidence]`."),
        (list[Evidence], f"Record.f (evidence) {NO_PLACE}"),
        (Verbatim, f"Record.f {REQUIRED}"),
        (EdtfDate, f"Record.f {REQUIRED}"),
        (Vote, f"Record.f {REQUIRED}"),
    ],
    ids=str,
)
def test_an_unusable_type_is_refused_with_a_sentence(annotation: Any, says: str) -> None:
    with pytest.raises(SchemaError) as error:
        field_of(annotation)
    assert says in str(error.value)
    assert str(error.value).endswith(".")


def test_a_record_needs_a_field() -> None:
    with pytest.raises(SchemaError, match=r"Empty has no fields\. Add at least one"):
        read_fields(create_model("Empty"))


def test_a_list_of_numbers_without_a_cue_is_reported(tmp_path: Path) -> None:
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
