"""A model's answer brought into the shape that was asked for, so that one slip costs one value and not the answer.

Nothing is invented here: values are kept, turned into text, or dropped. What is lost by that is noted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from extractor.document import Json
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ask.answer_json import with_names
from extractor.schema.shape import Field, Leaf

Loss = tuple[str, str | None, str]
"""Field or field.part, the words that are lost, and why."""

# What models write for "nothing".
NOTHING = frozenset({"", "null", "none", "无", "没有", "[]", "{}", "未提及", "不详", "n/a", "na", "nil", "-", "—"})
_BETWEEN = re.compile(r"[\s,，、;；/|]+")


def items_in(field: Field, answer: Json) -> tuple[list[AnswerItem], list[Loss]]:
    """A field's items in an answer, and what of it is lost."""
    losses: list[Loss] = []
    value = answer.get(field.name)
    if field.item is None:
        leaf = field.leaves[0]
        words = [] if _is_nothing(value, leaf) else _texts(value, leaf, field.name, losses)
        if field.is_label and not leaf.many and len(words) > 1:
            losses += [(field.name, one, "only one value can stand here") for one in words[1:]]
            words = words[:1]
        return [AnswerItem({field.name: one}) for one in words], losses
    if _is_nothing(value):
        return [], losses
    items = [_item(field, said, losses) for said in _flat(_decoded(value))]
    return [item for item in items if item is not None], losses


def unasked_in(fields: Sequence[Field], answer: Json) -> list[Loss]:
    """What an answer says under keys that were not asked for, if it lacks keys that were: one may be misnamed."""
    names = [field.name for field in fields]
    missing = [field.name for field in fields if field.name not in answer and not field.on_card]
    others = [key for key, value in answer.items() if key not in names and not _is_nothing(value)]
    why = "a key of the answer that was not asked for"
    return [(missing[0], _shown({key: answer[key]}), why) for key in others] if missing else []


def _item(field: Field, said: Any, losses: list[Loss]) -> AnswerItem | None:
    if isinstance(said, str | int | float) and not isinstance(said, bool) and not _is_nothing(said):
        said = {field.anchor.name: said}
    if not isinstance(said, dict):
        if not _is_nothing(said):
            losses.append((field.name, _shown(said), "an item of the answer that is no object"))
        return None
    said = with_names(said, [leaf.name for leaf in field.asked])
    values: Json = {}
    for leaf in field.asked:
        value = said.get(leaf.name)
        texts = [] if _is_nothing(value, leaf) else _texts(value, leaf, f"{field.name}.{leaf.name}", losses)
        if leaf.many:
            values[leaf.name] = texts
            continue
        if len(texts) > 1:
            losses += [(f"{field.name}.{leaf.name}", text, "only one value can stand here") for text in texts[1:]]
        values[leaf.name] = texts[0] if texts else None
    if values[field.anchor.name] is None:
        if not all(map(_is_nothing, said.values())):
            losses.append((field.name, _shown(said), f"an item of the answer without {field.anchor.name}"))
        return None
    return AnswerItem(values)


def _texts(value: Any, leaf: Leaf, name: str, losses: list[Loss]) -> list[str]:
    """The strings that a value stands for: numbers as text, the `text` of an object, choices as the schema has them."""
    texts = []
    for one in _flat(value):
        text = _text(one, leaf)
        if text is None:
            if not _is_nothing(one, leaf):
                losses.append((name, _shown(one), "this can't be read as text"))
            continue
        texts += _chosen(text, leaf, name, losses) if leaf.choices else [text]
    return texts


def _chosen(text: str, leaf: Leaf, name: str, losses: list[Loss]) -> list[str]:
    """The choices that a text names, in the schema's spelling: one, or several with marks between them."""
    known = {choice.casefold(): choice for choice in leaf.choices}
    words = [text] if text.casefold() in known else [word for word in _BETWEEN.split(text) if word]
    losses += [
        (name, word, f"not one of the choices: {', '.join(leaf.choices)}")
        for word in words
        if word.casefold() not in known
    ]
    return [known[word.casefold()] for word in words if word.casefold() in known]


def _text(value: Any, leaf: Leaf) -> str | None:
    """A string, a number, or what an object has as its `text` or as its only value."""
    if isinstance(value, dict):
        value = value.get("text") if len(value) != 1 else next(iter(value.values()))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return None if text.lower() in NOTHING and text not in leaf.choices else text


def _flat(value: Any) -> Iterator[Any]:
    """One value, or those of a list and of the lists in it."""
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _decoded(value: Any) -> Any:
    """The list or object that a string holds as JSON, as the arguments of some tool calls do; else the value."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(value, strict=False)
    return value


def _is_nothing(value: Any, leaf: Leaf | None = None) -> bool:
    """Whether a value says that there is none. A choice may be one of these words: 有 or 无."""
    if isinstance(value, dict | list):
        return all(_is_nothing(one, leaf) for one in (value.values() if isinstance(value, dict) else value))
    if leaf is not None and isinstance(value, str) and value.strip() in leaf.choices:
        return False
    return value is None or (isinstance(value, str) and value.strip().lower() in NOTHING)


def _shown(value: Any) -> str:
    return str(value)[:200]
