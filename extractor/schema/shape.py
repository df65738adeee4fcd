"""What a schema's types say: which fields there are, and how each is asked for, grounded and merged.

A record is a model of fields; a field is a leaf (a string, a quantity, a date, a choice), a list of leaves, or an
item: a model of leaves, one or a list. Deeper nesting is refused: small models can't fill it and no table can hold it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.fields import (
    Beside,
    Cue,
    EdtfDate,
    Evidence,
    Expects,
    Group,
    Like,
    Mood,
    Most,
    Period,
    Places,
    Quantity,
    Shown,
    Subject,
    Unless,
    Was,
    Within,
    Words,
)

Kind = Literal["name", "verbatim", "clause", "worded", "quantity", "date", "choice", "evidence", "places"]

# Kinds that have no place of their own in the text.
_NOWHERE = ("choice", "worded", "evidence", "places")

LONGEST = {"quantity": 30, "date": 30}
LONGEST_LIST = 30
LONGEST_LEAF_LIST = 8


class SchemaError(ValueError):
    """A schema that the engine can't use: says which field, why, and the mend. `owner` and `name` are the class and its
    field that are to blame, for whoever knows in which line they stand."""

    owner: type[BaseModel] | None = None
    name: str | None = None


@dataclass(frozen=True)
class Leaf:
    """One value: what the model fills is a string (or one of `choices`); `many` is a list of them."""

    name: str
    kind: Kind
    description: str
    optional: bool
    many: bool
    longest: int
    most: int
    choices: tuple[str, ...] = ()
    shown: Shown | None = None
    within: Literal["sentence", "passage"] = "sentence"
    cue: Cue | None = None
    beside: Beside | None = None
    subject: Subject | None = None
    period: Period | None = None
    like: Like | None = None


@dataclass(frozen=True)
class Field:
    """One field of the record: a leaf of its own (`item` is None), or an item of leaves."""

    name: str
    description: str
    leaves: tuple[Leaf, ...]
    item: type[BaseModel] | None
    many: bool
    most: int
    cue: Cue | None
    unless: Unless | None
    mood: Mood | None
    expects: Expects | None
    was: str | None = None
    group: str | None = None

    @property
    def anchor(self) -> Leaf:
        """The leaf whose place is the item's place: its first required one that stands in the text."""
        return self.leaves[0] if self.item is None else next(x for x in self.leaves if _is_anchor(x))

    @property
    def asked(self) -> tuple[Leaf, ...]:
        """The leaves a model fills."""
        return tuple(x for x in self.leaves if x.kind not in ("evidence", "places"))


def read_shape(record: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a record model, in order. Raises SchemaError."""
    with _blaming(record, None):
        if not record.model_fields:
            raise SchemaError(
                f"{record.__name__} has no fields: give it at least one, such as `venue: Verbatim | None`."
            )
    return tuple(_field(record, name, info) for name, info in record.model_fields.items())


@contextmanager
def _blaming(owner: type[BaseModel], name: str | None) -> Iterator[None]:
    """Note on a SchemaError whose fault it is, unless that was noted further in."""
    try:
        yield
    except SchemaError as error:
        if error.owner is None:
            error.owner, error.name = owner, name
        raise


def _field(record: type[BaseModel], name: str, info: FieldInfo) -> Field:
    with _blaming(record, name):
        return _read_field(f"{record.__name__}.{name}", name, info)


def _read_field(where: str, name: str, info: FieldInfo) -> Field:
    inner, optional, many, marks = _unwrap(info.annotation, info.metadata)
    most = _most(marks, LONGEST_LIST)
    cue, unless, mood = _mark(marks, Cue), _mark(marks, Unless), _mark(marks, Mood)
    description = info.description or ""
    leaf = None if _is_item(inner) else _leaf(where, name, info)
    if leaf is not None and leaf.kind in _NOWHERE:
        raise SchemaError(
            f"{where} ({leaf.kind}) has no place of its own in the text. Put it into a model, beside a Name, Verbatim, "
            "Clause, Quantity or EdtfDate."
        )
    expects = _mark(marks, Expects)
    was, group = _mark(marks, Was), _mark(marks, Group)
    others = (was and was.name, group and group.name)
    if not (optional or many):
        raise SchemaError(f"{where} must hold a value, which a text may lack: write `… | None`, or a list.")
    if leaf is None:
        leaves = tuple(_leaf_of(inner, f"{where}.{n}", n, i) for n, i in inner.model_fields.items())
        if not any(map(_is_anchor, leaves)):
            raise SchemaError(
                f"{where}: {inner.__name__} has no required field that stands in the text, so its place can't be "
                "found. Give it one: Name, Verbatim, Clause, Quantity or EdtfDate."
            )
        field = Field(name, description, leaves, inner, many, most, cue, unless, mood, expects, *others)
    else:
        field = Field(name, description, (leaf,), None, many, most, cue, unless, mood, expects, *others)
    if expects is not None and expects.pattern is None and not _has_default_expectation(field):
        raise SchemaError(
            f'{where}: Expects() needs a pattern here, such as Expects("应当|必须"): only numbers, dates and persons with '
            "Beside are known without one."
        )
    return field


def _has_default_expectation(field: Field) -> bool:
    persons = field.item is not None and field.anchor.kind == "name" and any(leaf.beside for leaf in field.leaves)
    return field.anchor.kind in ("quantity", "date") or persons


def _is_anchor(leaf: Leaf) -> bool:
    return leaf.kind not in _NOWHERE and not leaf.optional and not leaf.many


def _leaf_of(item: type[BaseModel], where: str, name: str, info: FieldInfo) -> Leaf:
    with _blaming(item, name):
        return _leaf(where, name, info)


def _leaf(where: str, name: str, info: FieldInfo) -> Leaf:
    inner, optional, many, marks = _unwrap(info.annotation, info.metadata)
    words = _mark(marks, Words)
    within = _mark(marks, Within)
    choices: tuple[str, ...] = ()
    if get_origin(inner) is Literal and all(isinstance(x, str) for x in get_args(inner)):
        kind: Kind = "choice"
        choices = get_args(inner)
    elif inner is Quantity:
        kind = "quantity"
    elif inner is EdtfDate:
        kind = "date"
    elif inner is Evidence:
        kind = "evidence"
    elif inner is Places:
        kind = "places"
    elif words is not None:
        kind = words.kind
    elif _is_item(inner):
        raise SchemaError(
            f"{where} is {inner.__name__}, a model within a model: strict structured output, a small model and a table "
            f"take models one level deep. Put {inner.__name__}'s own fields in its place, or make it a field of the record."
        )
    else:
        raise SchemaError(
            f"{where} is {_spell(inner)}, which the engine can't ground{_refused(inner)}. Use Name, Verbatim, Clause, "
            "Worded, Quantity, EdtfDate, Evidence, a Literal of strings, a list of these, or (one level deep) a model of "
            "them."
        )
    return Leaf(
        name=name,
        kind=kind,
        description=info.description or "",
        optional=optional,
        many=many,
        longest=words.longest if words else LONGEST.get(kind, 0),
        most=_most(marks, LONGEST_LEAF_LIST),
        choices=choices,
        shown=_mark(marks, Shown),
        within=within.reach if within else "sentence",
        cue=_mark(marks, Cue),
        beside=_mark(marks, Beside),
        subject=_mark(marks, Subject),
        period=_mark(marks, Period),
        like=_mark(marks, Like),
    )


def _unwrap(annotation: Any, marks: list[Any]) -> tuple[Any, bool, bool, list[Any]]:
    """The innermost type, whether it may be null, whether it is a list, and all markers on the way."""
    optional = many = False
    marks = list(marks)
    while True:
        origin = get_origin(annotation)
        if hasattr(annotation, "__metadata__"):
            marks += annotation.__metadata__
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            args = [a for a in get_args(annotation) if a is not type(None)]
            optional = optional or len(args) < len(get_args(annotation))
            if set(args) == {Evidence, list[Evidence]}:
                return Places, optional, False, marks
            if len(args) != 1:
                return annotation, optional, many, marks
            annotation = args[0]
        elif origin is list and not many:
            many = True
            annotation = get_args(annotation)[0]
        else:
            return annotation, optional, many, marks


def marks_of(info: FieldInfo) -> list[Any]:
    """All that is said of a field beside its type, at whatever level."""
    return _unwrap(info.annotation, info.metadata)[3]


def _mark(marks: list[Any], kind: type[Any]) -> Any:
    return next((m for m in marks if isinstance(m, kind)), None)


def _most(marks: list[Any], default: int) -> int:
    mark = _mark(marks, Most)
    return default if mark is None else int(mark.items)


def _refused(inner: Any) -> str:
    """For types that have no closed JSON Schema: that it is not the engine alone that can't take them."""
    open_ended = inner in (Any, object, dict, list, set, tuple) or get_origin(inner) in (dict, set, tuple)
    return " and which no provider takes in structured output" if open_ended else ""


def _is_item(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in (Quantity, EdtfDate, Evidence)


def _spell(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
