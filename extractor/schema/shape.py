"""What a schema's types say: its fields, and how each is asked for, grounded and merged.

A record is a model of fields. A field is a leaf (a string, a quantity, a date, a choice), a list of leaves, or an item:
a model of leaves, one or a list. Deeper nesting is refused: small models can't fill it and no table can hold it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, create_model
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
    Quantity,
    Shown,
    Subject,
    Unless,
    Was,
    Within,
    Words,
)
from extractor.schema.kinds import CHOICE, CLAUSE, DATE, EVIDENCE, NAME, QUANTITY, VERBATIM, WORDED, Kind

KINDS = {kind.name: kind for kind in (NAME, VERBATIM, CLAUSE, WORDED)}
"""The kinds of string fields, by the name that `Words` gives."""

LONGEST_LIST = 30
LONGEST_LEAF_LIST = 8


class SchemaError(ValueError):
    """A schema that the engine can't use: says which field, why, and how to fix it.

    `owner` and `name` are the class and the field to blame; the caller turns them into a file and a line.
    """

    owner: type[BaseModel] | None = None
    name: str | None = None


@dataclass(frozen=True)
class Leaf:
    """One value. The model fills it with a string (or one of `choices`), or with a list of them if `many`."""

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
        """The leaf whose place is the item's place: the first required one that stands in the text."""
        return self.leaves[0] if self.item is None else next(leaf for leaf in self.leaves if _is_anchor(leaf))

    @property
    def asked(self) -> tuple[Leaf, ...]:
        """The leaves a model fills."""
        return tuple(leaf for leaf in self.leaves if leaf.kind.is_asked)


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
    """Note on a SchemaError which class and field are to blame, unless that was noted further in."""
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
    if leaf is not None and not leaf.kind.has_place:
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
        leaves = _with_evidence(where, inner, leaves)
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
    """Whether code knows without a pattern what in a text calls for an item of the field."""
    kind = field.anchor.kind
    if kind.is_entity:
        return field.item is not None and any(leaf.beside for leaf in field.leaves)
    return kind.find is not None and kind is not CLAUSE


def _is_anchor(leaf: Leaf) -> bool:
    return leaf.kind.has_place and not leaf.optional and not leaf.many


def _leaf_of(item: type[BaseModel], where: str, name: str, info: FieldInfo) -> Leaf:
    with _blaming(item, name):
        return _leaf(where, name, info)


def _leaf(where: str, name: str, info: FieldInfo) -> Leaf:
    inner, optional, many, marks = _unwrap(info.annotation, info.metadata)
    own, words = _mark(marks, Kind), _mark(marks, Words)
    within = _mark(marks, Within)
    choices: tuple[str, ...] = ()
    if get_origin(inner) is Literal and all(isinstance(x, str) for x in get_args(inner)):
        kind = CHOICE
        choices = get_args(inner)
    elif inner is Quantity:
        kind = QUANTITY
    elif inner is EdtfDate:
        kind = DATE
    elif inner is Evidence and many and not optional:
        kind = EVIDENCE
    elif own is not None:
        kind = own
    elif words is not None:
        kind = KINDS[words.kind]
    elif _holds_evidence(inner):
        raise SchemaError(f"{where} must be a list, even of one place: write `{name}: list[Evidence]`.")
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
        longest=kind.longest,
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
            if len(args) != 1:
                return annotation, optional, many, marks
            annotation = args[0]
        elif origin is list and not many:
            many = True
            annotation = get_args(annotation)[0]
        else:
            return annotation, optional, many, marks


def marks_of(info: FieldInfo) -> list[Any]:
    """All markers of a field, at whatever level of its type they stand."""
    return _unwrap(info.annotation, info.metadata)[3]


def _mark(marks: list[Any], kind: type[Any]) -> Any:
    return next((m for m in marks if isinstance(m, kind)), None)


def _most(marks: list[Any], default: int) -> int:
    mark = _mark(marks, Most)
    return default if mark is None else int(mark.items)


def _refused(inner: Any) -> str:
    """A remark for types without a closed JSON Schema: providers refuse them too."""
    open_ended = inner in (Any, object, dict, list, set, tuple) or get_origin(inner) in (dict, set, tuple)
    return " and which no provider takes in structured output" if open_ended else ""


def _is_item(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in (Quantity, EdtfDate, Evidence)


def _holds_evidence(annotation: Any) -> bool:
    return annotation is Evidence or any(map(_holds_evidence, get_args(annotation)))


def _with_evidence(where: str, item: type[BaseModel], leaves: tuple[Leaf, ...]) -> tuple[Leaf, ...]:
    """The leaves with the evidence that every item of a record has, whether its model names it or not."""
    if any(leaf.kind is EVIDENCE for leaf in leaves):
        return leaves
    taken = EVIDENCE.name in item.model_fields
    if taken or item.model_config.get("extra") == "forbid":
        why = "has another use for that name" if taken else "forbids keys that it does not name"
        raise SchemaError(
            f"{where}: the engine adds `evidence`, where an item stands, to each item, but {item.__name__} {why}. "
            "Give it a field `evidence: list[Evidence]`."
        )
    added = Leaf(EVIDENCE.name, EVIDENCE, "", optional=False, many=True, longest=0, most=LONGEST_LEAF_LIST)
    return (*leaves, added)


def record_with_evidence(record: type[BaseModel], fields: tuple[Field, ...]) -> type[BaseModel]:
    """The record as output lines hold it: the user's model, with `evidence` in the items whose models lack it."""
    changed: dict[str, Any] = {}
    for field in fields:
        if field.item is None or EVIDENCE.name in field.item.model_fields:
            continue
        item: Any = create_model(field.item.__name__, __base__=field.item, evidence=(list[Evidence], ...))
        info = copy(record.model_fields[field.name])
        info.annotation = list[item] if field.many else item | None
        changed[field.name] = (info.annotation, info)
    if not changed:
        return record
    made: type[BaseModel] = create_model(record.__name__, __base__=record, **changed)
    made.__doc__ = record.__doc__
    return made


def _spell(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
