"""The pydantic models that answers must fit, and reading the answers back as items.

The JSON Schema of a model is part of the request: names of models and fields, their order, the docstring of
`Confirmation` and the module that models name must not change, or recorded replies are stale.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, StringConstraints, create_model
from pydantic import Field as PydanticField

from extractor.document import Json
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ask.candidates import Candidate
from extractor.schema.shape import Field, Leaf

YES, NO = "是", "否"
NONE = "无"
# pydantic names two models of one name by their modules, as in `extractor__question__Row__1`, and the name is
# sent. So the module that models name is pinned: moving this file must not change any request.
_SENT_MODULE = "extractor.question"
_NOTHING = ("", "null", "none", "无", "没有", "[]", "未提及", "不详", "n/a")


class Answerable(BaseModel):
    """The base of all answer models. It caches the JSON Schema.

    instructor asks for the schema with every question, and generating it takes longer than all other work on
    a question.
    """

    @classmethod
    def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:
        known: dict[str, str] = cls.__dict__.get("_json_schemas") or {}
        key = repr((args, settings))
        if key not in known:
            known = {**known, key: json.dumps(super().model_json_schema(*args, **settings))}
            type.__setattr__(cls, "_json_schemas", known)
        schema: dict[str, Any] = json.loads(known[key])  # a copy, because callers may change it
        return schema


# The answer to a verification. The class keeps its first name because the name is sent.
class Confirmation(Answerable):
    """What a model is asked about an item that was found."""

    answer: Literal["是", "否"]


# --- a model that reads ---


@lru_cache(maxsize=512)
def read_model(field: Field, limit: int) -> type[BaseModel]:
    """The model of an answer about one field; `limit` is the maximum length of its list."""
    return _model_with({field.name: (answer_type(field, limit, field.asked_of_any), ...)}, "Answer")


def answer_type(field: Field, limit: int, leaves: Sequence[Leaf]) -> Any:
    """The type that a model fills for a field, an item with these leaves: bounded, without what code adds."""
    if field.item is None:
        kind: Any = _value_type(field.leaves[0])
        is_list = field.many and not field.leaves[0].many
    else:
        model = _model_of(field.item.__name__, leaves)
        kind = model if field.many else model | None
        is_list = field.many
    return Annotated[list[kind], PydanticField(max_length=limit)] if is_list else kind


def items_read(field: Field, answer: BaseModel) -> list[AnswerItem]:
    """The items of a field in the answer of a model that reads."""
    value = getattr(answer, field.name)
    if value is None or value == []:
        return []
    if field.item is None:
        values = _without_nothing({field.name: value if isinstance(value, list) else [value]}, field.leaves)
        return [AnswerItem({field.name: v}) for v in values[field.name]]
    items = value if isinstance(value, list) else [value]
    return [AnswerItem(_without_nothing(item.model_dump(), field.asked)) for item in items]


@lru_cache(maxsize=512)
def reading_schema(fields: tuple[Field, ...]) -> type[BaseModel]:
    """The model whose JSON Schema goes with a question to a model that reads: no bounds, and nothing empty needed."""
    types: dict[str, Any] = {}
    for field in fields:
        if field.item is None:
            kind = _open_type(field.leaves[0])
        else:
            leaves = {leaf.name: _with_default(leaf, field) for leaf in field.asked}
            item = _model_with(leaves, field.item.__name__, _without_defaults)
            kind = list[item] if field.many else item | None  # type: ignore[valid-type]
        listed = field.many or (field.item is None and field.leaves[0].many)
        types[field.name] = (kind, PydanticField(default_factory=list) if listed else None)
    return _model_with(types, "Answer", _without_defaults)


def _without_defaults(schema: Any) -> None:
    """A key that may be left out has no value that a model should write in its place."""
    if isinstance(schema, dict):
        schema.pop("default", None)
        for inner in schema.get("properties", {}).values():
            inner.pop("default", None)


def _with_default(leaf: Leaf, field: Field) -> tuple[Any, Any]:
    if leaf is field.anchor:
        return _open_type(leaf), ...
    return _open_type(leaf), PydanticField(default_factory=list) if leaf.many else None


def _open_type(leaf: Leaf) -> Any:
    kind: Any = Literal[leaf.choices] if leaf.choices else str
    if leaf.many:
        return list[kind]
    return kind | None if leaf.optional else kind


# --- a model that fills forms ---


def row_leaves(field: Field, candidate: Candidate) -> tuple[Leaf, ...]:
    """The leaves that the model has to fill for a candidate.

    These exclude the anchor, what code has read off, and leaves whose cue is missing from the candidate's
    sentence.
    """
    if field.item is None:
        return ()
    return tuple(
        leaf
        for leaf in field.asked_of_any
        if leaf is not field.anchor
        and leaf.name not in candidate.known
        and (leaf.cue is None or candidate.shows(leaf.cue.pattern))
    )


def form_model(field: Field, candidates: Sequence[Candidate]) -> type[BaseModel]:
    """The model of a filled form: a row for each candidate, or a choice of one if the field has no item."""
    if field.item is None:
        choices = (*dict.fromkeys(c.text for c in candidates), NONE)
        return _model_with({field.name: (Literal[choices], ...)}, "Answer")
    rows: dict[str, Any] = {f"n{i}": (_row_model(row_leaves(field, c)), ...) for i, c in enumerate(candidates, 1)}
    return _model_with(rows, "Answer")


@lru_cache(maxsize=512)
def _row_model(leaves: tuple[Leaf, ...]) -> type[BaseModel]:
    return _model_of("Row", leaves)


def items_of_form(field: Field, candidates: Sequence[Candidate], answer: BaseModel) -> list[AnswerItem]:
    """The items of a filled form: the values that code has read off, and those that the model has added."""
    if field.item is None:
        chosen = getattr(answer, field.name)
        return [AnswerItem({field.name: c.text}, c.place) for c in candidates if c.text == chosen][:1]
    items = []
    for i, candidate in enumerate(candidates, 1):
        values = _without_nothing(getattr(answer, f"n{i}").model_dump(), field.asked)
        items.append(AnswerItem({**prefilled_item(field, candidate).values, **values}, candidate.place))
    return items


def prefilled_item(field: Field, candidate: Candidate) -> AnswerItem:
    """A candidate as an item with the values that code has read off, and no others."""
    values: Json = {leaf.name: [] if leaf.many else None for leaf in field.asked} | candidate.known
    values[field.anchor.name] = candidate.text
    return AnswerItem(values, candidate.place)


# --- both ---


def _model_of(name: str, leaves: Sequence[Leaf]) -> type[BaseModel]:
    return _model_with({leaf.name: (_value_type(leaf), ...) for leaf in leaves}, name)


def _model_with(fields: dict[str, Any], name: str, edit_schema: Any = None) -> type[BaseModel]:
    model: type[BaseModel] = create_model(name, __base__=Answerable, __module__=_SENT_MODULE, **fields)
    if edit_schema is not None:
        model.model_config = {**model.model_config, "json_schema_extra": edit_schema}
        model.model_rebuild(force=True)
    return model


def _value_type(leaf: Leaf) -> Any:
    """The type that the model fills for a leaf: a bounded string or a choice, a list of these, or null."""
    kind: Any = (
        Literal[leaf.choices]
        if leaf.choices
        else Annotated[str, StringConstraints(min_length=1, max_length=leaf.longest, strip_whitespace=True)]
    )
    if leaf.many:
        return Annotated[list[kind], PydanticField(max_length=leaf.max_items)]
    return kind | None if leaf.optional else kind


def _without_nothing(values: Json, leaves: Sequence[Leaf]) -> Json:
    """The values of an answer, with None for the words that models write for "nothing", unless they are a choice."""
    choices = {leaf.name: leaf.choices for leaf in leaves}

    def plain(value: Any, name: str) -> Any:
        is_nothing = isinstance(value, str) and value.strip().lower() in _NOTHING and value not in choices[name]
        return None if is_nothing else value

    return {
        name: [x for x in (plain(one, name) for one in value) if x is not None]
        if isinstance(value, list)
        else plain(value, name)
        for name, value in values.items()
    }
