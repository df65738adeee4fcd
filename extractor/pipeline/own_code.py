"""Compare what the engine found with what a schema's own code made of it, and undo what the text does not bear out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.document import Json
from extractor.schema.kinds import words_of
from extractor.schema.shape import Field, Leaf

LEFT_OUT = "the schema's own code left it out"


@dataclass(frozen=True)
class Complaint:
    """A value that the schema's code refused, left out ("refused") or changed in vain ("restored").

    `field` is None for the record as a whole, `leaf` None for a whole item or value; `value` is the item or the value;
    `words` are those of the part, if it is about a part.
    """

    field: Field | None
    leaf: Leaf | None
    value: Any
    kind: str
    detail: str
    words: str | None = None


def reconcile(
    fields: Sequence[Field],
    found: Json,
    dumped: Json | None,
    order: dict[str, list[int]],
    complaints: list[Complaint],
    kept: Collection[str] = (),
) -> tuple[Json, dict[str, list[int]]]:
    """The record to write: `found`, with the changes in `dumped` that the text bears out, and its added keys.

    Also returns for each list where its values stood at first. What is undone or left out is added to `complaints`.
    Fields in `kept` are not changed, except for added keys.
    """
    plain: Json = to_jsonable_python(found)
    if dumped is None:
        return plain, order
    record: Json = {}
    order = dict(order)
    for field in fields:
        before, after = plain[field.name], dumped.get(field.name, plain[field.name])
        if field.name in kept:
            record[field.name] = _with_added_keys(field, before, after)
        elif field.item is not None and isinstance(before, list):
            record[field.name] = _items(field, before, after, complaints)
        elif field.item is not None:
            record[field.name] = None if before is None else _item_or_none(field, before, after, complaints)
        elif isinstance(before, list):
            listed = _list(field, field.leaves[0], before, after, before, complaints)
            record[field.name] = [value for _, value in listed]
            order[field.name] = [order[field.name][index] for index, _ in listed]
        else:
            record[field.name] = _value(field, field.leaves[0], before, after, before, complaints)
    return {**record, **{key: value for key, value in dumped.items() if key not in record}}, order


def _with_added_keys(field: Field, before: Any, after: Any) -> Any:
    if field.item is None or type(before) is not type(after):
        return before
    if isinstance(before, list) and len(before) == len(after):
        return [_with_added_keys(field, x, y) for x, y in zip(before, after, strict=True)]
    return {**after, **before} if isinstance(before, dict) else before


def _items(field: Field, before: list[Json], after: Any, complaints: list[Complaint]) -> list[Json]:
    evidence = next(leaf.name for leaf in field.leaves if not leaf.kind.is_asked)
    is_same = isinstance(after, list) and len(after) == len(before)
    if is_same and all(
        isinstance(y, dict) and x[evidence] == y.get(evidence) for x, y in zip(before, after, strict=True)
    ):
        return [_item(field, x, y, complaints) for x, y in zip(before, after, strict=True)]
    detail = "the schema's own code changed which items the list has, or where they stand; the record keeps the list"
    complaints.append(Complaint(field, None, None, "restored", detail))
    return before


def _item_or_none(field: Field, before: Json, after: Any, complaints: list[Complaint]) -> Json | None:
    if after is None:
        complaints.append(Complaint(field, None, before, "refused", LEFT_OUT))
        return None
    return _item(field, before, after, complaints) if isinstance(after, dict) else before


def _item(field: Field, before: Json, after: Json, complaints: list[Complaint]) -> Json:
    item: Json = {}
    for leaf in field.leaves:
        mine, theirs = before[leaf.name], after.get(leaf.name, before[leaf.name])
        if not leaf.kind.is_asked:
            item[leaf.name] = mine
        elif leaf.many:
            item[leaf.name] = [value for _, value in _list(field, leaf, mine, theirs, before, complaints)]
        else:
            item[leaf.name] = _value(field, leaf, mine, theirs, before, complaints)
    return {**item, **{key: value for key, value in after.items() if key not in item}}


def _list(
    field: Field, leaf: Leaf, before: list[Any], after: Any, item: Any, complaints: list[Complaint]
) -> list[tuple[int, Any]]:
    """The values that the code left in the list, each with its index before; all of them if it added another."""
    about = item if field.item is not None else None
    left = list(range(len(before)))
    kept: list[tuple[int, Any]] = []
    for value in after if isinstance(after, list) else [None]:
        index = next((i for i in left if value is not None and _is_borne_out(leaf, before[i], value)), None)
        if index is None:
            complaints.append(Complaint(field, leaf, about, "restored", _undone(value)))
            return list(enumerate(before))
        left.remove(index)
        kept.append((index, _joined(before[index], value)))
    complaints += [Complaint(field, leaf, about, "refused", LEFT_OUT, words_of(before[i])) for i in left]
    return kept


def _value(field: Field, leaf: Leaf, before: Any, after: Any, item: Any, complaints: list[Complaint]) -> Any:
    if before == after:
        return after
    words = None if before is None else words_of(before)
    if after is None and leaf.optional:
        complaints.append(Complaint(field, leaf, item, "refused", LEFT_OUT, words))
        return None
    if before is not None and after is not None and _is_borne_out(leaf, before, after):
        return _joined(before, after)
    complaints.append(Complaint(field, leaf, item, "restored", _undone(after), words))
    return before


def _is_borne_out(leaf: Leaf, before: Any, after: Any) -> bool:
    """Whether the text that shows one value shows the other too."""
    if before == after:
        return True
    if leaf.choices:
        return after in leaf.choices
    if isinstance(before, str) and isinstance(after, str):
        return bool(after) and after in before
    if isinstance(after, dict):
        words, places = (before.get("text"), before.get("evidence")) if isinstance(before, dict) else (before, None)
        return bool(after.get("text", words) == words and after.get("evidence", places) == places)
    return False


def _joined(before: Any, after: Any) -> Any:
    """The value after, with each key that it had before."""
    return {**before, **after} if isinstance(before, dict) and isinstance(after, dict) else after


def _undone(value: Any) -> str:
    changed = f"the schema's own code turned it into {str(value)[:100]!r}"
    return f"{changed}, which its words in the text do not say; they are kept"
