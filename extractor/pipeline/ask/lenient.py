"""A model's answer brought into the shape that was asked for, so that one slip costs one value and not the answer.

Nothing is invented here: values are kept, turned into text, or dropped. What is lost by that is noted.
"""

from __future__ import annotations

from typing import Any

from extractor.document import Json
from extractor.pipeline.answer import AnswerItem
from extractor.schema.shape import Field, Leaf

Loss = tuple[str, str | None, str]
"""Field or field.part, the words that are lost, and why."""

# What models write for "nothing".
NOTHING = frozenset({"", "null", "none", "无", "没有", "[]", "{}", "未提及", "不详", "n/a", "na", "nil", "-", "—"})


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
    items = []
    for said in value if isinstance(value, list) else [value]:
        item = _item(field, said, losses)
        if item is not None:
            items.append(item)
    return items, losses


def _item(field: Field, said: Any, losses: list[Loss]) -> AnswerItem | None:
    if isinstance(said, str | int | float) and not isinstance(said, bool) and not _is_nothing(said):
        said = {field.anchor.name: said}
    if not isinstance(said, dict):
        if not _is_nothing(said):
            losses.append((field.name, _shown(said), "an item of the answer that is no object"))
        return None
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
        if any(value for value in values.values()):
            losses.append((field.name, _shown(said), f"an item of the answer without {field.anchor.name}"))
        return None
    return AnswerItem(values)


def _texts(value: Any, leaf: Leaf, name: str, losses: list[Loss]) -> list[str]:
    """The strings that a value stands for: numbers as text, the `text` of an object, choices as the schema has them."""
    texts = []
    for one in value if isinstance(value, list) else [value]:
        text = _text(one, leaf)
        if text is None:
            if not _is_nothing(one, leaf):
                losses.append((name, _shown(one), "this can't be read as text"))
            continue
        if leaf.choices:
            choice = next((choice for choice in leaf.choices if choice.lower() == text.lower()), None)
            if choice is None:
                losses.append((name, text, f"not one of the choices: {', '.join(leaf.choices)}"))
                continue
            text = choice
        texts.append(text)
    return texts


def _text(value: Any, leaf: Leaf) -> str | None:
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return None if text.lower() in NOTHING and text not in leaf.choices else text


def _is_nothing(value: Any, leaf: Leaf | None = None) -> bool:
    """Whether a value says that there is none. A choice may be one of these words: 有 or 无."""
    if leaf is not None and isinstance(value, str) and value.strip() in leaf.choices:
        return False
    return value is None or value in ([], {}) or (isinstance(value, str) and value.strip().lower() in NOTHING)


def _shown(value: Any) -> str:
    return str(value)[:200]
