"""Read a schema's types: its fields, and how each of them is asked for, grounded and merged.

A record is a model of fields. A field is a leaf (a string, a quantity, a date or a choice), a list of leaves,
an item (a model of leaves) or a list of items. Deeper nesting is refused: small models can't fill it and
tables can't hold it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.fields import (
    Beside,
    ByCode,
    ChangesTo,
    Cue,
    EdtfDate,
    Evidence,
    Expects,
    Group,
    LargeModelOnly,
    Like,
    Mood,
    Most,
    OwnDate,
    Period,
    Quantity,
    Shown,
    Subject,
    Unit,
    Unless,
    Was,
    Within,
    Words,
)
from extractor.schema.constraints import complaint_about_field, complaint_about_model, complaint_about_unit
from extractor.schema.kinds import (
    CHOICE,
    CLAUSE,
    DATE,
    EVIDENCE,
    HEADING,
    MENTIONS,
    NAME,
    PERSON,
    POSITION,
    QUANTITY,
    SPEAKER,
    VERBATIM,
    WORDED,
    Kind,
)

KINDS = {kind.name: kind for kind in (NAME, PERSON, VERBATIM, CLAUSE, WORDED)}
"""The kinds of string fields, by the name that `Words` gives."""

FILLED = {kind.name: kind for kind in (HEADING, POSITION, SPEAKER, MENTIONS)}
"""The kinds that code fills, by the name that `ByCode` gives."""

# The default `max_items` of a field and of a list within an item.
MAX_ITEMS = 30
MAX_LEAF_ITEMS = 8


class SchemaError(ValueError):
    """The engine can't use the schema. The message says which field, why, and how to fix it.

    `owner` and `name` are the class and the field at fault; the caller turns them into a file and a line.
    """

    owner: type[BaseModel] | None = None
    name: str | None = None


@dataclass(frozen=True)
class Leaf:
    """One value, which the model fills with a string (one of `choices`, if any), or if `many` a list of them.

    `longest` is in characters; `max_items` bounds the list in one answer.
    """

    name: str
    kind: Kind
    description: str
    optional: bool
    many: bool
    longest: int
    max_items: int
    choices: tuple[str, ...] = ()
    shown: Shown | None = None
    within: Literal["sentence", "passage"] = "sentence"
    cue: Cue | None = None
    beside: Beside | None = None
    subject: Subject | None = None
    period: Period | None = None
    like: Like | None = None
    large_model_only: bool = False
    changes_to: str | None = None
    unit: Unit | None = None
    own_date: OwnDate | None = None

    def takes(self, unit: str | None) -> bool:
        """Whether a number in this unit counts; None for a number without one."""
        return self.unit is None or (unit or "") in self.unit.names


@dataclass(frozen=True)
class Field:
    """One field of the record: a single leaf (`item` is None), or an item with several leaves."""

    name: str
    description: str
    leaves: tuple[Leaf, ...]
    item: type[BaseModel] | None
    many: bool
    max_items: int
    cue: Cue | None
    unless: Unless | None
    mood: Mood | None
    expects: Expects | None
    was: str | None = None
    group: str | None = None
    # A part of the document's card (extractor.schema.card), not of the record.
    on_card: bool = False

    @cached_property
    def anchor(self) -> Leaf:
        """The leaf whose place in the text is the item's place: the first required one that has a place."""
        return self.leaves[0] if self.item is None else next(leaf for leaf in self.leaves if _is_anchor(leaf))

    @property
    def is_label(self) -> bool:
        """Whether it is a choice about the whole text, without a place in it."""
        return self.item is None and self.leaves[0].kind.grounded_as == "choice"

    @cached_property
    def asked(self) -> tuple[Leaf, ...]:
        """The leaves that a model fills."""
        return tuple(leaf for leaf in self.leaves if leaf.kind.is_asked)

    @property
    def asked_of_any(self) -> tuple[Leaf, ...]:
        """The leaves that any model fills, however small."""
        return tuple(leaf for leaf in self.asked if not leaf.large_model_only)


def read_fields(record: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a record model, in order. Raises SchemaError."""
    with _attributing(record, None):
        _refuse(record.__name__, complaint_about_model(record))
        if not record.model_fields:
            raise SchemaError(f"{record.__name__} has no fields. Add at least one, like `venue: Verbatim | None`.")
    return tuple(_field(record, name, info) for name, info in record.model_fields.items())


@contextmanager
def _attributing(owner: type[BaseModel], name: str | None) -> Iterator[None]:
    """Set the class and the field at fault on a SchemaError, unless an inner call has set them."""
    try:
        yield
    except SchemaError as error:
        if error.owner is None:
            error.owner, error.name = owner, name
        raise


def _field(record: type[BaseModel], name: str, info: FieldInfo) -> Field:
    with _attributing(record, name):
        return _read_field(f"{record.__name__}.{name}", name, info)


def _read_field(where: str, name: str, info: FieldInfo) -> Field:
    inner, optional, many, markers = _unwrap(info.annotation, info.metadata)
    # A model that brings its own Kind is a value, as Quantity is, and no item.
    is_item = _is_item(inner) and _marker(markers, Kind) is None
    leaf = None if is_item else _leaf(where, name, info)
    if leaf is None:
        _refuse(where, complaint_about_field(info, markers))
    elif not leaf.kind.has_place and leaf.kind.grounded_as != "choice":
        raise SchemaError(
            f"{where} ({leaf.kind}) has no place of its own in the text. "
            "Put it into a model, beside a Name, Verbatim, Clause, Quantity or EdtfDate."
        )
    if leaf is not None and leaf.changes_to is not None:
        raise SchemaError(f"{where} has ChangesTo, which compares parts of an item. Put both numbers into a model.")
    if not (optional or many):
        raise SchemaError(f"{where} is required, but a text may lack the value. Write `… | None`, or make it a list.")
    was, group = _marker(markers, Was), _marker(markers, Group)
    field = Field(
        name=name,
        description=info.description or "",
        leaves=_item_leaves(where, inner) if leaf is None else (leaf,),
        item=inner if leaf is None else None,
        many=many,
        max_items=_max_items(markers, MAX_ITEMS),
        cue=_marker(markers, Cue),
        unless=_marker(markers, Unless),
        mood=_marker(markers, Mood),
        expects=_marker(markers, Expects),
        was=was and was.name,
        group=group and group.name,
    )
    if field.is_label and field.expects is not None:
        raise SchemaError(
            f"{where} is a label of the whole text, which has no place that coverage could count. Delete Expects."
        )
    if field.expects is not None and field.expects.pattern is None and not _has_default_expectation(field):
        raise SchemaError(
            f'{where}: Expects() needs a pattern here, for example Expects("应当|必须"). '
            "Only numbers, dates and persons with Beside can do without one."
        )
    return field


def _refuse(where: str, complaint: str | None) -> None:
    if complaint is not None:
        raise SchemaError(f"{where} {complaint}")


def _item_leaves(where: str, item: type[BaseModel]) -> tuple[Leaf, ...]:
    with _attributing(item, None):
        _refuse(item.__name__, complaint_about_model(item))
    leaves = tuple(_leaf_of(item, f"{where}.{name}", name, info) for name, info in item.model_fields.items())
    for leaf in leaves:
        other = next((x for x in leaves if x.name == leaf.changes_to), None)
        if leaf.changes_to is not None and (leaf is other or other is None or {leaf.kind, other.kind} != {QUANTITY}):
            raise SchemaError(
                f"{where}.{leaf.name}: ChangesTo({leaf.changes_to!r}) must name another Quantity of {item.__name__}, "
                "and stand on a Quantity."
            )
    leaves = _with_evidence(where, item, leaves)
    if not any(map(_is_anchor, leaves)):
        raise SchemaError(
            f"{where}: {item.__name__} has no required field with a place in the text, "
            "so its items can't be located. Add one: Name, Verbatim, Clause, Quantity or EdtfDate."
        )
    return leaves


def _has_default_expectation(field: Field) -> bool:
    """Whether the field's type alone says which places in a text call for an item."""
    kind = field.anchor.kind
    if kind.is_entity:
        return field.item is not None and any(leaf.beside for leaf in field.leaves)
    return kind.find is not None and kind is not CLAUSE


def _is_anchor(leaf: Leaf) -> bool:
    return leaf.kind.has_place and not leaf.optional and not leaf.many


def _leaf_of(item: type[BaseModel], where: str, name: str, info: FieldInfo) -> Leaf:
    with _attributing(item, name):
        return _leaf(where, name, info)


def _leaf(where: str, name: str, info: FieldInfo) -> Leaf:
    inner, optional, many, markers = _unwrap(info.annotation, info.metadata)
    kind = _kind_of(inner, many and not optional, markers)
    if kind is None:
        raise _unusable(where, name, inner)
    _refuse(where, complaint_about_field(info, markers))
    within, changes_to = _marker(markers, Within), _marker(markers, ChangesTo)
    large_model_only = _marker(markers, LargeModelOnly) is not None
    if large_model_only and not (kind.is_asked and (optional or many)):
        raise SchemaError(
            f"{where} is for a large model only, so it must be able to stay empty if another model is asked. "
            "Write `… | None`, or make it a list."
            if kind.is_asked
            else f"{where} is filled by code: no model is asked for it. Leave out LargeModelOnly()."
        )
    unit = _marker(markers, Unit)
    if unit is not None:
        _refuse(where, complaint_about_unit(unit, kind))
    return Leaf(
        name=name,
        kind=kind,
        description=info.description or "",
        optional=optional,
        many=many,
        longest=kind.longest,
        max_items=_max_items(markers, MAX_LEAF_ITEMS),
        choices=get_args(inner) if kind is CHOICE else (),
        shown=_marker(markers, Shown),
        within=within.reach if within else "sentence",
        cue=_marker(markers, Cue),
        beside=_marker(markers, Beside),
        subject=_marker(markers, Subject),
        period=_marker(markers, Period),
        like=_marker(markers, Like),
        large_model_only=large_model_only,
        changes_to=changes_to and changes_to.name,
        unit=unit,
        own_date=_marker(markers, OwnDate),
    )


def _kind_of(inner: Any, is_list: bool, markers: list[Any]) -> Kind | None:
    """The kind of a leaf of this type; None if the engine can't use the type."""
    own, filled = _marker(markers, Kind), _marker(markers, ByCode)
    if own is not None:
        return cast("Kind", own)
    if filled is not None:
        return FILLED[filled.kind]
    if get_origin(inner) is Literal and all(isinstance(x, str) for x in get_args(inner)):
        return CHOICE
    if inner is Quantity:
        return QUANTITY
    if inner is EdtfDate:
        return DATE
    if inner is Evidence and is_list:
        return EVIDENCE
    words = _marker(markers, Words)
    return KINDS[words.kind] if words is not None else None


def _unusable(where: str, name: str, inner: Any) -> SchemaError:
    """The error for a type that no leaf can have."""
    if _holds_evidence(inner):
        example = f"{name}: list[Evidence]"
        return SchemaError(f"{where} must be a list, even for a single place. Write `{example}`.")
    if _is_item(inner):
        return SchemaError(
            f"{where} is {inner.__name__}, a model within a model. Items are one level deep, "
            "since strict structured output, small models and tables take no more. "
            f"Use the fields of {inner.__name__} directly, or make it a field of the record."
        )
    return SchemaError(
        f"{where} is {_type_name(inner)}, which the engine can't ground{_remark_on_open(inner)}. "
        "Use Name, Verbatim, Clause, Worded, Quantity, EdtfDate, Evidence, a Literal of strings, a list of these, "
        "or (one level deep) a model of them."
    )


def _unwrap(annotation: Any, metadata: list[Any]) -> tuple[Any, bool, bool, list[Any]]:
    """The innermost type, whether it may be null, whether it is a list, and all markers on the way."""
    optional = many = False
    markers = list(metadata)
    while True:
        origin = get_origin(annotation)
        if hasattr(annotation, "__metadata__"):
            markers += annotation.__metadata__
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            args = [a for a in get_args(annotation) if a is not type(None)]
            optional = optional or len(args) < len(get_args(annotation))
            if len(args) != 1:
                return annotation, optional, many, markers
            annotation = args[0]
        elif origin is list and not many:
            many = True
            annotation = get_args(annotation)[0]
        else:
            return annotation, optional, many, markers


def _marker(markers: list[Any], kind: type[Any]) -> Any:
    return next((marker for marker in markers if isinstance(marker, kind)), None)


def _max_items(markers: list[Any], default: int) -> int:
    marker = _marker(markers, Most)
    return default if marker is None else int(marker.items)


def _remark_on_open(inner: Any) -> str:
    """A remark on types without a closed JSON Schema, which providers refuse too."""
    is_open = inner in (Any, object, dict, list, set, tuple) or get_origin(inner) in (dict, set, tuple)
    return " and no provider accepts in structured output" if is_open else ""


def _is_item(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in (Quantity, EdtfDate, Evidence)


def _holds_evidence(annotation: Any) -> bool:
    return annotation is Evidence or any(map(_holds_evidence, get_args(annotation)))


def _with_evidence(where: str, item: type[BaseModel], leaves: tuple[Leaf, ...]) -> tuple[Leaf, ...]:
    """The leaves with evidence added, which every item has whether its model declares it or not.

    Raises SchemaError.
    """
    if any(leaf.kind is EVIDENCE for leaf in leaves):
        return leaves
    taken = EVIDENCE.name in item.model_fields
    if taken or item.model_config.get("extra") == "forbid":
        why = "uses that name for something else" if taken else "forbids extra fields"
        raise SchemaError(
            f"{where}: The engine adds a field `evidence` to every item, but {item.__name__} {why}. "
            "Declare it: `evidence: list[Evidence]`."
        )
    added = Leaf(EVIDENCE.name, EVIDENCE, "", optional=False, many=True, longest=0, max_items=MAX_LEAF_ITEMS)
    return (*leaves, added)


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
