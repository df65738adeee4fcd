"""Validate: pass the record through the schema's own code, and leave out what that refuses.

Validators, serializers and computed fields of a schema are its author's code, which may raise anything. What it
refuses costs that value or that item, never the document. It may add keys (computed fields), but what it changes
must still be what the text says: a string may become a part of itself, a choice another choice, a list may lose
or reorder values, and a number may be computed otherwise as long as its words stay. Any other change is undone.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from extractor.document import Json
from extractor.pipeline.answer import Problem
from extractor.pipeline.line_format import EvidenceEntry
from extractor.pipeline.merge import Merged
from extractor.pipeline.own_code import Complaint, reconcile
from extractor.schema.kinds import words_of
from extractor.schema.loading import Schema
from extractor.schema.shape import Field, Leaf

Loc = tuple[int | str, ...]
_REFUSED = "the schema's own code refuses it: "


@dataclass(frozen=True)
class _Fault:
    """What the schema's code raised: where (pydantic's path, () if unknown), and its message."""

    loc: Loc
    message: str
    has_place: bool = True


@dataclass
class _State:
    """The record without what has been refused so far; `order` holds where each value of a list stood at first."""

    record: Json
    order: dict[str, list[int]]
    complaints: list[Complaint]


def validate(schema: Schema, merged: Merged, kept: Collection[str] = ()) -> Merged:
    """The record as the schema's own model dumps it, with a problem for each value that it refuses or changes.

    A record that is refused as a whole is written as it is, with a problem. The fields in `kept` come from an
    earlier line, whose values have been changed already: they may be refused, but are not changed again.
    """
    record = _known(schema.fields, merged.record)
    state = _State(
        record, {name: list(range(len(value))) for name, value in record.items() if isinstance(value, list)}, []
    )
    dumped, faults = _settle(schema, state)
    if dumped is None:
        state.complaints += [
            _complaint_about(fault, schema, state.record)
            for fault in faults
            if fault.loc[:1] not in {(k,) for k in kept}
        ]
    final, order = reconcile(schema.fields, state.record, dumped, state.order, state.complaints, kept)
    if not state.complaints:
        return replace(merged, record=final)
    problems = [_problem(complaint, schema, merged) for complaint in state.complaints]
    return Merged(
        final,
        _evidence_left(merged, final, order),
        [mark for entry in merged.marks if (mark := _mark_left(entry, final, order)) is not None],
        [*merged.problems, *problems],
    )


def _known(fields: Sequence[Field], record: Json) -> Json:
    """A copy of the record without the keys that the schema's code added to an earlier line."""

    def known(value: Any, field: Field) -> Any:
        if field.item is None or not isinstance(value, dict):
            return value
        return {leaf.name: value[leaf.name] for leaf in field.leaves if leaf.name in value}

    return copy.deepcopy(
        {
            field.name: [known(one, field) for one in value]
            if isinstance(value := record[field.name], list)
            else known(value, field)
            for field in fields
        }
    )


# --- finding what is refused ---


def _settle(schema: Schema, state: _State) -> tuple[Json | None, list[_Fault]]:
    """What the model makes of the record once all that it refuses has been left out; else the faults that remain."""
    model = schema.output_record
    while True:
        dumped, faults = _attempt(model, state.record)
        if not faults:
            return dumped, []
        left = len(state.complaints)
        if faults[0].has_place:
            _drop_faults(schema, state, faults)
        elif not _drop_items(schema, state):
            _drop_field(schema, state, faults[0])
        if len(state.complaints) == left:
            return None, faults


def _attempt(model: type[BaseModel], record: Json) -> tuple[Json | None, list[_Fault]]:
    try:
        made = model.model_validate(copy.deepcopy(record))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        return None, [_Fault(one["loc"], _message(one["msg"])) for one in errors]
    except Exception as error:
        return None, [_Fault((), f"{type(error).__name__}: {error}", has_place=False)]
    try:
        dumped: Any = made.model_dump(mode="json", by_alias=False, warnings=False)
    except Exception as error:
        return None, [_Fault((), f"{type(error).__name__}: {error}", has_place=False)]
    return (_finite(dumped) if isinstance(dumped, dict) else {}), []


def _finite(value: Any) -> Any:
    """The value with null for NaN and infinity, which are no JSON: code of a schema may compute them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


def _message(pydantic_words: str) -> str:
    return pydantic_words.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _drop_faults(schema: Schema, state: _State, faults: Sequence[_Fault]) -> None:
    """Leave out what the faults point at: a part that an item can do without, else the item or the value."""
    for field in schema.fields:
        by_index: dict[int | None, list[_Fault]] = {}
        for fault in faults:
            if fault.loc[:1] == (field.name,):
                by_index.setdefault(_index(fault, state.record[field.name]), []).append(fault)
        whole = by_index.pop(None, [])
        # From the end of a list, so that an index stays right.
        for index in sorted(by_index, key=lambda index: index or 0, reverse=True):
            _drop_value(state, field, index, by_index[index])
        if whole and not by_index and isinstance(state.record[field.name], list):
            _rebuild(schema, state, field, whole[0])
        elif whole and not isinstance(state.record[field.name], list):
            _drop_value(state, field, None, whole)


def _index(fault: _Fault, value: Any) -> int | None:
    """The index of the value in its list that a fault is about; a validator may have made the list longer."""
    index = next((key for key in fault.loc[1:2] if isinstance(key, int)), None)
    return index if isinstance(value, list) and index is not None and index < len(value) else None


def _drop_value(state: _State, field: Field, index: int | None, faults: Sequence[_Fault]) -> None:
    value = state.record[field.name]
    item = value if index is None else value[index]
    if item is None or (field.item is not None and _empty_parts(state, field, item, faults)):
        return
    state.complaints.append(Complaint(field, None, item, "refused", _REFUSED + faults[0].message))
    _leave_out(state, field.name, index)


def _empty_parts(state: _State, field: Field, item: Json, faults: Sequence[_Fault]) -> bool:
    """Empty the parts that the faults are about, if the item can do without them; whether it can."""
    parts: dict[str, tuple[Leaf, str]] = {}
    for fault in faults:
        name = next((key for key in fault.loc[1:] if isinstance(key, str)), None)
        leaf = next((leaf for leaf in field.asked if leaf.name == name), None)
        if leaf is None or leaf is field.anchor or not (leaf.optional or leaf.many) or not item[leaf.name]:
            return False
        parts[leaf.name] = leaf, fault.message
    for leaf, message in parts.values():
        indexes = {key for fault in faults if leaf.name in fault.loc for key in fault.loc[-1:] if isinstance(key, int)}
        value = item[leaf.name]
        gone = [value[i] for i in sorted(indexes) if i < len(value)] if leaf.many else []
        for one in gone or (value if leaf.many else [value]):
            state.complaints.append(Complaint(field, leaf, item, "refused", _REFUSED + message, words_of(one)))
        item[leaf.name] = [one for one in value if one not in gone] if gone else [] if leaf.many else None
    return True


def _leave_out(state: _State, name: str, index: int | None) -> None:
    if index is None:
        state.record[name] = None
        return
    del state.record[name][index]
    del state.order[name][index]


def _drop_items(schema: Schema, state: _State) -> bool:
    """Leave out the items that their own model can't take, whatever it raises; whether there were any."""
    count = len(state.complaints)
    for field in schema.fields:
        if field.item is None:
            continue
        value = state.record[field.name]
        items = list(enumerate(value)) if isinstance(value, list) else [] if value is None else [(None, value)]
        for index, item in reversed(items):
            _, faults = _attempt(field.item, item)
            if faults and not faults[0].has_place:
                state.complaints.append(Complaint(field, None, item, "refused", _REFUSED + faults[0].message))
                _leave_out(state, field.name, index)
    return len(state.complaints) > count


def _drop_field(schema: Schema, state: _State, fault: _Fault) -> None:
    """Find the field without which the schema's code does not raise, and leave out what it raises for."""
    for field in schema.fields:
        value = state.record[field.name]
        if value in (None, []):
            continue
        without = {**state.record, field.name: [] if isinstance(value, list) else None}
        _, faults = _attempt(schema.output_record, without)
        if faults and not faults[0].has_place:
            continue
        if isinstance(value, list):
            _rebuild(schema, state, field, fault)
        else:
            state.complaints.append(Complaint(field, None, value, "refused", _REFUSED + fault.message))
            state.record[field.name] = None
        return


def _rebuild(schema: Schema, state: _State, field: Field, fault: _Fault) -> None:
    """Put the values of a list back one by one, and leave out each with which the list is refused."""
    value, order = state.record[field.name], state.order[field.name]

    def is_refused(tried: list[Any]) -> bool:
        _, faults = _attempt(schema.output_record, {**state.record, field.name: tried})
        return any(x.loc[:1] == (field.name,) if fault.has_place else not x.has_place for x in faults)

    if is_refused([]):
        return
    kept: list[int] = []
    for index in range(len(value)):
        if is_refused([value[i] for i in (*kept, index)]):
            state.complaints.append(Complaint(field, None, value[index], "refused", _REFUSED + fault.message))
        else:
            kept.append(index)
    state.record[field.name], state.order[field.name] = [value[i] for i in kept], [order[i] for i in kept]


# --- what the line says of it ---


def _complaint_about(fault: _Fault, schema: Schema, record: Json) -> Complaint:
    """What is said of a fault that leaving out values does not mend: it is about none, or about the lack of one."""
    field = next((field for field in schema.fields if fault.loc[:1] == (field.name,)), None)
    lack = "it takes no record without a value: " if field is not None and not record[field.name] else ""
    return Complaint(field, None, None, "refused", f"{_REFUSED}{lack}{fault.message}. The record is written as it is")


def _problem(complaint: Complaint, schema: Schema, merged: Merged) -> Problem:
    field, leaf, value = complaint.field, complaint.leaf, complaint.value
    if field is None:
        return Problem(complaint.kind, "", detail=complaint.detail)
    if field.item is None:
        places: Sequence[EvidenceEntry] = merged.evidence.get(field.name, ())
        place = next(iter(places), None) if not isinstance(merged.record[field.name], list) else None
        place = value["evidence"][0] if isinstance(value, dict) and value.get("evidence") else place
        words = complaint.words or (None if value is None else words_of(value))
    else:
        evidence = next((x.name for x in field.leaves if not x.kind.is_asked), None)
        place = next(iter(value[evidence]), None) if value is not None and evidence else None
        words = complaint.words or (None if value is None else words_of(value[field.anchor.name]))
    name = field.name if leaf is None or field.item is None else f"{field.name}.{leaf.name}"
    start, end = (place["start"], place["end"]) if place else (None, None)
    return Problem(complaint.kind, name, words, start, end, complaint.detail)


def _evidence_left(merged: Merged, record: Json, order: dict[str, list[int]]) -> dict[str, list[EvidenceEntry]]:
    """The evidence beside the record, without the places of plain values that are gone."""
    left: dict[str, list[EvidenceEntry]] = {}
    for name, places in merged.evidence.items():
        before, after = merged.record[name], record[name]
        if not isinstance(before, list):
            left |= {} if after is None else {name: places}
            continue
        if len(places) == len(before):
            left |= {name: [places[index] for index in order[name]]} if after else {}
            continue
        # A value with several places: which of them are whose, the words say.
        gone = [words_of(one) for one in before if one not in after]
        kept = [words_of(one) for one in after]
        places = [x for x in places if any(w in x["text"] for w in kept) or not any(w in x["text"] for w in gone)]
        left |= {name: places} if after else {}
    return left


def _mark_left(entry: Any, record: Json, order: dict[str, list[int]]) -> Any:
    """The mark with the item's new index; None if the item is gone."""
    name, index = entry["field"], entry["item"]
    if index is None:
        return entry if record[name] is not None else None
    return {**entry, "item": order[name].index(index)} if index in order[name] else None
