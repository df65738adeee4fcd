"""The text of a question: what asks for a field in a passage, and the model that the answer must fit.

There are two styles (`Profile.style`). "read": the model reads the passage and lists the items. "form": code
has found the candidates (names, numbers, dates, clauses that match the field's cue) and read off the values
around them; the model describes them row by row, so that a small model neither counts nor copies what code
already has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from extractor.document import Excerpt, Json
from extractor.llm.call import Profile
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ask.answer_models import (
    NONE,
    form_model,
    items_of_form,
    items_read,
    prefilled_item,
    read_model,
    reading_schema,
    row_leaves,
)
from extractor.pipeline.ask.candidates import Candidate
from extractor.schema.loading import Example, Prompts
from extractor.schema.shape import Field, Leaf

_IF_MISSING = re.compile(r"[，；,;][^，；,;。]{0,8}没有[^，；,;。]{0,6}[为填写](?:null|\[\])")


@dataclass(frozen=True)
class Question:
    """A question about one field: the model gets `text`, and its answer is an instance of `model`."""

    field: Field
    passage: Excerpt
    text: str
    model: type[BaseModel]
    candidates: tuple[Candidate, ...]
    read_back: Callable[[BaseModel], list[AnswerItem]]


@dataclass(frozen=True)
class ReadingQuestion:
    """A question about one or several fields to a model that reads: its messages, and the model whose JSON Schema goes
    with them."""

    fields: tuple[Field, ...]
    messages: list[Json]
    model: type[BaseModel]


# The line of a question to a model that reads that asks for a field.
ASKED_FIELD = re.compile(r"【[0-9]+】\w+（(?:列表|一个值)）：")


def system_text(prompts: Prompts) -> str:
    """The part of the prompt that all questions of a run share."""
    example = f"\n【示例原文】\n{prompts.example.text}\n【示例完】" if prompts.example else ""
    return prompts.task.substitute(example=example).strip()


# --- a model that reads ---


def build_read(field: Field, passage: Excerpt, prompts: Prompts) -> Question:
    """Ask a model that fills forms to list the items of a field for which code has no candidates."""
    limit = _item_limit(field, passage)
    text = prompts.read.substitute(
        headings=_headings(passage),
        passage=passage.text,
        name=field.name,
        description=_wanted(field),
        leaves=_describe(field.asked_of_any) if field.item else _choices_line(field),
        limit=_limit_line(field, limit),
        answer=_answer_line(_example_answer(field, prompts.example)),
    )

    def read_back(answer: BaseModel) -> list[AnswerItem]:
        return items_read(field, answer)

    return Question(field, passage, text, read_model(field, limit), (), read_back)


def build_reading(fields: Sequence[Field], passage: Excerpt, prompts: Prompts) -> ReadingQuestion:
    """Ask the model to read the passage and list the items of the fields.

    What requests share comes first, so that a provider can reuse it: the fields, in a question about several of
    them, which is the only one about its passage; the passage, in a question about one field, which is one of many.
    """
    asked = "\n".join(_describe_field(number, field, prompts) for number, field in enumerate(fields, 1))
    example = _reading_example(fields, prompts.shown_example)
    rules = prompts.reading.substitute().strip()
    about = prompts.fields.substitute(fields=asked, example=example).strip()
    is_shared = len(fields) > 1
    shown = prompts.passage.substitute(
        headings=_headings(passage), passage=passage.text, asked="" if is_shared else f"{about}\n\n"
    )
    messages = [
        {"role": "system", "content": f"{rules}\n\n{about}" if is_shared else rules},
        {"role": "user", "content": shown},
    ]
    return ReadingQuestion(tuple(fields), messages, reading_schema(tuple(fields)))


def group_fields(fields: Sequence[Field], profile: Profile) -> list[list[Field]]:
    """The fields by the question that they share; a group has the position of its first field."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        shared = profile.combine and profile.style == "read" and field.group
        groups.setdefault(f"group {field.group}" if shared else f"field {field.name}", []).append(field)
    return list(groups.values())


def _describe_field(number: int, field: Field, prompts: Prompts) -> str:
    """A field's description, its parts, and what its guide says of the close calls."""
    shape = "列表" if field.many or (field.item is None and field.leaves[0].many) else "一个值"
    parts = (
        "".join(f"  {leaf.name}：{_told(_described(leaf))}\n" for leaf in field.asked)
        if field.item
        else _choices_line(field)
    )
    guide = prompts.guide_of(field)
    return f"【{number}】{field.name}（{shape}）：{_told(_wanted(field))}\n{parts}{guide}".rstrip() + "\n"


def _told(description: str) -> str:
    """A description without what it says of a missing value: a model that reads leaves the key out."""
    return _IF_MISSING.sub("", description)


def _wanted(field: Field) -> str:
    """A field's description, with what its only leaf adds to it."""
    return field.description if field.item else _described(field.leaves[0])


def _described(leaf: Leaf) -> str:
    """A leaf's description, and the units that count."""
    if leaf.unit is None:
        return leaf.description
    units = "、".join(name or "（没有单位）" for name in leaf.unit.names)
    return f"{leaf.description}（只要单位为{units}的数）"


def _choices_line(field: Field) -> str:
    """The choices of a label, which no words of the text show."""
    if not field.is_label:
        return ""
    how = "选出合适的，可多选" if field.leaves[0].many else "选一个"
    return f"  不照抄原文，看全文判断，从下列各项中{how}：{'、'.join(field.leaves[0].choices)}\n"


def _reading_example(fields: Sequence[Field], example: Example | None) -> str:
    """The example's answer for the fields that are asked for, and what it leaves out and why."""
    if example is None:
        return ""
    said = {field.name: example.record.get(field.name, example.record.get(field.was or "")) for field in fields}
    answer = {name: _without_empty(value) for name, value in said.items() if not _is_empty(value)}
    left_out = "；".join(f"“{words}”（{reason}）" for words, reason in example.left_out.items())
    return f"【示例原文】\n{example.text}\n【示例完】\n示例的回答：{_dump_compactly(answer)}" + (
        f"\n示例里不记的：{left_out}。" if left_out else ""
    )


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _without_empty(value: Any) -> Any:
    """A value without the keys that an answer may leave out."""
    if isinstance(value, list):
        return [_without_empty(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _without_empty(inner) for key, inner in value.items() if not _is_empty(inner)}
    return value


def _item_limit(field: Field, passage: Excerpt) -> int:
    """The maximum number of items in an answer about the passage."""
    if field.is_label:
        return min(field.max_items, len(field.leaves[0].choices))
    return min(field.max_items, max(3, len(passage.text) // 25))


def _example_answer(field: Field, example: Example | None) -> str:
    if example is None or field.name not in example.record:
        return ""
    hidden = {leaf.name for leaf in field.asked if leaf.large_model_only}
    return _dump({field.name: _without(hidden, example.record[field.name]) if hidden else example.record[field.name]})


def _without(names: set[str], answer: Any) -> Any:
    """An answer without these parts of its items."""
    if isinstance(answer, list):
        return [_without(names, item) for item in answer]
    return {k: v for k, v in answer.items() if k not in names} if isinstance(answer, dict) else answer


# --- a model that fills forms ---


def settle_without_model(field: Field, candidates: Sequence[Candidate]) -> list[AnswerItem]:
    """The candidates that need no question, because code has read off all their values, as items."""
    return [prefilled_item(field, c) for c in candidates if field.item and not row_leaves(field, c)]


def open_candidates(field: Field, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that the model has to be asked about."""
    return [c for c in candidates if field.item is None or row_leaves(field, c)]


def build_form(field: Field, passage: Excerpt, candidates: Sequence[Candidate], prompts: Prompts) -> Question:
    """Ask the model to describe the candidates, one row each."""
    asked = [leaf for leaf in field.asked if any(leaf in row_leaves(field, c) for c in candidates)]
    text = prompts.form.substitute(
        headings=_headings(passage),
        passage=passage.text,
        name=field.name,
        description=field.description,
        leaves=_describe(asked) if field.item else "",
        rows=_list_rows(field, candidates),
        answer=_answer_format(field, asked),
    )

    def read_back(answer: BaseModel) -> list[AnswerItem]:
        return items_of_form(field, candidates, answer)

    return Question(field, passage, text, form_model(field, candidates), tuple(candidates), read_back)


def _list_rows(field: Field, candidates: Sequence[Candidate]) -> str:
    if field.item is None:
        return "\n".join(f"- {c.text}（{c.clause}）" for c in candidates) + f"\n- {NONE}\n"
    if field.anchor.kind.offered_as == "clause":
        return "\n".join(f"n{i} {c.text}" for i, c in enumerate(candidates, 1)) + "\n"
    return "\n".join(f"n{i} {c.text}（{c.clause}）" for i, c in enumerate(candidates, 1)) + "\n"


def _answer_format(field: Field, asked: Sequence[Leaf]) -> str:
    """The format of the answer.

    It asks for one line: otherwise a small model spends a third of its tokens on white space.
    """
    if field.item is None:
        return f'按格式回答：{{"{field.name}": "…"}}'
    row = {leaf.name: ["…"] if leaf.many else "…" for leaf in asked}
    return f'按格式在一行内回答：{{"n1": {_dump(row)}, …}}'


# --- verifying an item ---


def verification_text(field: Field, passage: Excerpt, words: str, clause: str, prompts: Prompts) -> str:
    """Ask whether the item that was found (`words`, in its `clause`) is an item of the field."""
    kind = (field.item.__doc__ or "").strip().rstrip("。") if field.item else ""
    return prompts.verify.substitute(
        headings=_headings(passage),
        passage=passage.text,
        name=field.name,
        description=field.description,
        words=words,
        clause=f"（{clause}）" if clause != words else "",
        kind=kind or field.name,
    )


# --- parts of a text ---


def _headings(passage: Excerpt) -> str:
    return f"（{' / '.join(passage.headings)}）" if passage.headings else ""


def _describe(leaves: Sequence[Leaf]) -> str:
    return "".join(f"- {leaf.name}：{_described(leaf)}\n" for leaf in leaves)


def _limit_line(field: Field, limit: int) -> str:
    return f"最多{limit}条，不要重复；没有就写[]。\n" if field.many else "没有就写null。\n"


def _answer_line(example: str) -> str:
    return f"示例原文的回答：{example}\n现在回答上面的原文：" if example else "回答："


def _dump_compactly(value: Json) -> str:
    """Without blanks: a model writes its answer as the example is written, and pays for what it writes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
