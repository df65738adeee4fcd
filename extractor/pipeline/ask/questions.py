"""One question: the words that ask for a field from a passage, the shape of the answer, and reading it back.

Two styles (Profile.style). "read": the model reads and lists items. "form": code has found the candidates
(names, numbers, dates, clauses that match the field's cue) and read off what stands around them; the model describes them, row by row, so that a small
model neither counts nor copies what code already holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, StringConstraints, create_model
from pydantic import Field as Asked

from extractor.document import Excerpt, Json
from extractor.llm.call import Profile
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ask.candidates import Candidate
from extractor.schema.loading import Example, Prompts
from extractor.schema.shape import Field, Leaf

NONE = "无"
_NOTHING = ("", "null", "none", "无", "没有", "[]", "未提及", "不详", "n/a")


@dataclass(frozen=True)
class Question:
    """A question ready to be asked: `text` goes to the model, its answer is an instance of `model`."""

    field: Field
    passage: Excerpt
    text: str
    model: type[BaseModel]
    candidates: tuple[Candidate, ...]
    read_back: Callable[[BaseModel], list[AnswerItem]]


def system_text(prompts: Prompts) -> str:
    """The part of the prompt that is the same for every question of a run."""
    example = f"\n【示例原文】\n{prompts.example.text}\n【示例完】" if prompts.example else ""
    return prompts.task.substitute(example=example).strip()


def settle_without_model(field: Field, candidates: Sequence[Candidate]) -> list[AnswerItem]:
    """Candidates about which nothing is left to ask: found by their cue, read off by code."""
    return [_filled(field, c) for c in candidates if field.item and not _leaves_of_row(field, c)]


def open_candidates(field: Field, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates of which code has not read off everything."""
    return [c for c in candidates if field.item is None or _leaves_of_row(field, c)]


def build_read(field: Field, passage: Excerpt, prompts: Prompts, profile: Profile) -> Question:
    """Ask the model to list what it finds."""
    most = _most(field, passage)
    model = _read_model(field, most)
    text = prompts.read.substitute(
        headings=_headings(passage),
        passage=passage.text,
        name=field.name,
        description=field.description,
        leaves=_describe(field.asked) if field.item else "",
        limit=_limit(field, most),
        answer=_answer_line(_example_of_reading(field, prompts.example)),
    )

    def read_back(answer: BaseModel) -> list[AnswerItem]:
        return items_read(field, answer)

    return Question(field, passage, text, model, (), read_back)


@dataclass(frozen=True)
class Questions:
    """Several fields' questions in one: the answer holds all of them."""

    fields: tuple[Field, ...]
    passage: Excerpt
    text: str
    model: type[BaseModel]


def build_group(fields: Sequence[Field], passage: Excerpt, prompts: Prompts) -> Questions:
    """Ask the model to list what it finds of several fields. Rows are read back by `items_read`."""
    most = {field.name: _most(field, passage) for field in fields}
    model = _together_model(tuple(fields), tuple(most.values()))
    said = prompts.example.record if prompts.example else {}
    example = {field.name: said[field.name] for field in fields if field.name in said}
    asked = "".join(
        f"{number}. {field.name}：{field.description}\n"
        f"{_describe(field.asked) if field.item else ''}{_limit(field, most[field.name])}"
        for number, field in enumerate(fields, 1)
    )
    answer = _answer_line(_dump(example) if len(example) == len(fields) else "")
    text = prompts.group.substitute(
        headings=_headings(passage), passage=passage.text, fields=asked.rstrip("\n"), answer=answer
    )
    return Questions(tuple(fields), passage, text, model)


def _most(field: Field, passage: Excerpt) -> int:
    """How many items an answer about a passage may list."""
    return min(field.max_items, max(3, len(passage.text) // 25))


@lru_cache(maxsize=512)
def _together_model(fields: tuple[Field, ...], most: tuple[int, ...]) -> type[BaseModel]:
    types = {field.name: (answer_type(field, n), ...) for field, n in zip(fields, most, strict=True)}
    return _model_with(types, "Answer")


def build_form(field: Field, passage: Excerpt, candidates: Sequence[Candidate], prompts: Prompts) -> Question:
    """Ask the model to describe the candidates, one row each."""
    model = _form_model(field, candidates)
    asked = [leaf for leaf in field.asked if any(leaf in _leaves_of_row(field, c) for c in candidates)]
    text = prompts.form.substitute(
        headings=_headings(passage),
        passage=passage.text,
        name=field.name,
        description=field.description,
        leaves=_describe(asked) if field.item else "",
        rows=_list_rows(field, candidates),
        answer=_skeleton(field, asked),
    )

    def read_back(answer: BaseModel) -> list[AnswerItem]:
        return _rows_of_form(field, candidates, answer)

    return Question(field, passage, text, model, tuple(candidates), read_back)


class Answerable(BaseModel):
    """A model of answers. Its JSON Schema is made once: instructor asks for it with every question, and making it costs
    more than all else that a question needs."""

    @classmethod
    def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:
        known: dict[str, str] = cls.__dict__.get("_json_schemas") or {}
        key = repr((args, settings))
        if key not in known:
            known = {**known, key: json.dumps(super().model_json_schema(*args, **settings))}
            type.__setattr__(cls, "_json_schemas", known)
        schema: dict[str, Any] = json.loads(known[key])  # a copy that may be altered
        return schema


# --- asking a second time ---

YES, NO = "是", "否"


class Verification(Answerable):
    """What a model is asked about an item that was found."""

    answer: Literal["是", "否"]


def confirm_text(field: Field, passage: Excerpt, words: str, clause: str, prompts: Prompts) -> str:
    """Ask whether what was found (`words`, in its `clause`) is an item of the field."""
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


# --- reading style ---


@lru_cache(maxsize=512)
def _read_model(field: Field, most: int) -> type[BaseModel]:
    return _model_with({field.name: (answer_type(field, most), ...)}, "Answer")


def answer_type(field: Field, most: int) -> Any:
    """What a model that reads fills for a field: bounded, with no field that code fills (evidence)."""
    if field.item is None:
        kind: Any = _value_type(field.leaves[0])
        listed = field.many and not field.leaves[0].many
    else:
        model = _model_of(field.item.__name__, field.asked)
        kind = model if field.many else model | None
        listed = field.many
    return Annotated[list[kind], Asked(max_length=most)] if listed else kind


def _model_of(name: str, leaves: Sequence[Leaf]) -> type[BaseModel]:
    return _model_with({leaf.name: (_value_type(leaf), ...) for leaf in leaves}, name)


def _model_with(fields: dict[str, Any], name: str) -> type[BaseModel]:
    model: type[BaseModel] = create_model(name, __base__=Answerable, **fields)
    return model


def _value_type(leaf: Leaf) -> Any:
    """What the model fills for a leaf: a bounded string or a choice, a bounded list of them, or null."""
    kind: Any = (
        Literal[leaf.choices]
        if leaf.choices
        else Annotated[str, StringConstraints(min_length=1, max_length=leaf.longest, strip_whitespace=True)]
    )
    if leaf.many:
        return Annotated[list[kind], Asked(max_length=leaf.max_items)]
    return kind | None if leaf.optional else kind


def items_read(field: Field, answer: BaseModel) -> list[AnswerItem]:
    """A field's items in the answer of a model that read."""
    value = getattr(answer, field.name)
    if value is None or value == []:
        return []
    if field.item is None:
        said = _said({field.name: value if isinstance(value, list) else [value]})
        return [AnswerItem({field.name: v}) for v in said[field.name]]
    return [AnswerItem(_said(item.model_dump())) for item in (value if isinstance(value, list) else [value])]


def _said(values: Json) -> Json:
    """An answer's values, with the words that models write for "nothing" as nothing."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().lower() in _NOTHING else value

    return {
        name: [x for x in map(plain, value) if x is not None] if isinstance(value, list) else plain(value)
        for name, value in values.items()
    }


def _example_of_reading(field: Field, example: Example | None) -> str:
    if example is None or field.name not in example.record:
        return ""
    return _dump({field.name: example.record[field.name]})


# --- form style ---


def _leaves_of_row(field: Field, candidate: Candidate) -> tuple[Leaf, ...]:
    """What is left for the model to say of a candidate: neither its anchor, nor what code has read off, nor a leaf
    whose cue the candidate's sentence lacks."""
    if field.item is None:
        return ()
    return tuple(
        leaf
        for leaf in field.asked
        if leaf is not field.anchor
        and leaf.name not in candidate.known
        and (leaf.cue is None or candidate.shows(leaf.cue.pattern))
    )


def _form_model(field: Field, candidates: Sequence[Candidate]) -> type[BaseModel]:
    if field.item is None:
        choices = (*dict.fromkeys(c.text for c in candidates), NONE)
        return _model_with({field.name: (Literal[choices], ...)}, "Answer")
    rows: dict[str, Any] = {f"n{i}": (_row_model(_leaves_of_row(field, c)), ...) for i, c in enumerate(candidates, 1)}
    return _model_with(rows, "Answer")


@lru_cache(maxsize=512)
def _row_model(leaves: tuple[Leaf, ...]) -> type[BaseModel]:
    return _model_of("Row", leaves)


def _rows_of_form(field: Field, candidates: Sequence[Candidate], answer: BaseModel) -> list[AnswerItem]:
    if field.item is None:
        chosen = getattr(answer, field.name)
        return [AnswerItem({field.name: c.text}, c.place) for c in candidates if c.text == chosen][:1]
    rows = []
    for i, candidate in enumerate(candidates, 1):
        said = _said(getattr(answer, f"n{i}").model_dump())
        filled = _filled(field, candidate)
        rows.append(AnswerItem({**filled.values, **said}, candidate.place))
    return rows


def _filled(field: Field, candidate: Candidate) -> AnswerItem:
    """A candidate as a row of the answer, with what code has read off, and nothing else."""
    values: Json = {leaf.name: [] if leaf.many else None for leaf in field.asked} | candidate.known
    values[field.anchor.name] = candidate.text
    return AnswerItem(values, candidate.place)


def _list_rows(field: Field, candidates: Sequence[Candidate]) -> str:
    if field.item is None:
        return "\n".join(f"- {c.text}（{c.clause}）" for c in candidates) + f"\n- {NONE}\n"
    if field.anchor.kind.offered_as == "clause":
        return "\n".join(f"n{i} {c.text}" for i, c in enumerate(candidates, 1)) + "\n"
    return "\n".join(f"n{i} {c.text}（{c.clause}）" for i, c in enumerate(candidates, 1)) + "\n"


# --- words ---


def _headings(passage: Excerpt) -> str:
    return f"（{' / '.join(passage.headings)}）" if passage.headings else ""


def _describe(leaves: Sequence[Leaf]) -> str:
    return "".join(f"- {leaf.name}：{leaf.description}\n" for leaf in leaves)


def _limit(field: Field, most: int) -> str:
    return f"最多{most}条，不要重复；没有就写[]。\n" if field.many else "没有就写null。\n"


def _answer_line(example: str) -> str:
    return f"示例原文的回答：{example}\n现在回答上面的原文：" if example else "回答："


def _skeleton(field: Field, asked: Sequence[Leaf]) -> str:
    """How the answer looks: on one line, since a small model left alone spends a third of its tokens on white space."""
    if field.item is None:
        return f'按格式回答：{{"{field.name}": "…"}}'
    said = {leaf.name: ["…"] if leaf.many else "…" for leaf in asked}
    return f'按格式在一行内回答：{{"n1": {_dump(said)}, …}}'


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
