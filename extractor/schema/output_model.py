"""The record as output lines hold it: the user's model, with `evidence` in every item."""

from __future__ import annotations

import types
from copy import copy
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, create_model

from extractor.fields import Evidence
from extractor.schema.kinds import EVIDENCE
from extractor.schema.shape import Field


def record_with_evidence(record: type[BaseModel], fields: tuple[Field, ...]) -> type[BaseModel]:
    """The record as output lines hold it: the user's model, with `evidence` in every item."""
    changed: dict[str, Any] = {}
    for field in fields:
        if field.item is None or EVIDENCE.name in field.item.model_fields:
            continue
        item: Any = create_model(field.item.__name__, __base__=field.item, evidence=(list[Evidence], ...))
        info = copy(record.model_fields[field.name])
        info.annotation = _replaced(info.annotation, field.item, item)
        changed[field.name] = (info.annotation, info)
    if not changed:
        return record
    extended: type[BaseModel] = create_model(record.__name__, __base__=record, **changed)
    extended.__doc__ = record.__doc__
    return extended


def _replaced(annotation: Any, old: Any, new: Any) -> Any:
    """The type with `new` for `old`; what is annotated inside it, such as a validator of the items, stays."""
    if annotation is old:
        return new
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return Annotated[(_replaced(arguments[0], old, new), *annotation.__metadata__)]
    inner = tuple(_replaced(argument, old, new) for argument in arguments)
    if origin in (Union, types.UnionType):
        return Union[inner]  # noqa: UP007 - the members are known only now
    return list[inner] if origin is list else annotation  # type: ignore[valid-type]
