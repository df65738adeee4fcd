"""The JSON in a chat completion, without what models put around it: thoughts, prose, fences, tool calls, parts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from extractor.document import Json
from extractor.errors import BlankAnswerError, InvalidAnswerError, RefusedError, TruncatedError
from extractor.pipeline.ask.unquoted import escape_inner_quotes

# Brackets of a text at which JSON is tried: prose in front of it may hold some of its own.
_TRIED = 200
_DEEPEST = 20  # levels of brackets; an answer needs four
_QUOTED = 200  # characters of an answer in an error
_BRACKET = re.compile(r"[{\[]")
# What begins so is JSON, even if it can't be read to its end; other brackets belong to prose.
_BEGUN = re.compile(r'\{\s*"[^"\n]{0,100}"\s*:|\[\s*[{"\[]')
_ODD = re.compile(r'["\[\]{}]')
_THOUGHT = re.compile(r"\s*(?:<think(?:ing)?>|◁think▷)")
_THOUGHT_END = re.compile(r"</think(?:ing)?>|◁/think▷")
# Parts of a message's content that are not its answer.
_THOUGHT_PARTS = frozenset({"thinking", "reasoning"})
# Values of finish_reason that mean that the answer reached its limit; `llm.replies` knows the ones for no answer.
_AT_LIMIT = frozenset({"length", "max_tokens", "max_output_tokens"})
# Control characters in strings are let through: models break lines in them.
_DECODER = json.JSONDecoder(strict=False)
CUT_OFF = "The answer was cut off at its length limit."


def read_answer(completion: Json, names: tuple[str, ...], parts: Collection[str] = ()) -> Json:
    """The object that answers a question about `names`: its keys are some of them, none if there is nothing to say.

    `parts` are the keys of an item if one thing was asked for: its items may come bare. Raises TruncatedError,
    RefusedError, BlankAnswerError, or InvalidAnswerError if nothing can be read as an answer.
    """
    choice = completion["choices"][0]
    message = choice.get("message") or {}
    if isinstance(message.get("refusal"), str) and message["refusal"].strip():
        raise RefusedError(f"The model refused to answer: {quoted(message['refusal'])}.")
    is_cut = choice.get("finish_reason") in _AT_LIMIT
    answers = [text for text in _answers(message) if text.strip()]
    # A thought that ended by itself may hold the answer; one that was cut off holds drafts.
    texts = answers or ([] if is_cut else [text for text in _thoughts(message) if text.strip()])
    for text in texts:
        answer = _answer_in(text, names, parts, is_cut, is_thought=not answers)
        if answer is not None:
            return answer
    if is_cut:
        raise TruncatedError(CUT_OFF)
    if not answers:
        raise BlankAnswerError(f"The model answered with nothing but {'thoughts' if texts else 'blanks'}.")
    if not any(_BRACKET.search(text) for text in texts):
        raise RefusedError(f"The model gave no JSON but words: {quoted(texts[0])}.")
    raise InvalidAnswerError(f"The answer holds no JSON object with {' or '.join(names[:3])}: {quoted(texts[0])}.")


def answer_text(completion: Json) -> str:
    """The text of a completion, wherever its endpoint puts it."""
    message = completion["choices"][0].get("message") or {}
    return next((text for text in (*_answers(message), *_thoughts(message)) if text.strip()), "")


def with_names(value: Json, names: Iterable[str]) -> Json:
    """An object whose keys are written as the names are: models change upper and lower case."""
    known = {name.casefold(): name for name in names}
    return {known.get(key.strip().casefold(), key): inner for key, inner in value.items()}


def quoted(text: str) -> str:
    """The beginning of a text, on one line, in quotation marks."""
    text = " ".join(text[: 2 * _QUOTED].split())
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")


# --- the texts of a message ---


def _answers(message: Json) -> Iterator[str]:
    """The texts in which the answer should stand: the content after any thoughts, and the arguments of calls."""
    content = _joined(message.get("content"))
    *_, after = _THOUGHT_END.split(content)
    if len(after) < len(content) or not _THOUGHT.match(content):
        yield after
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in (calls if isinstance(calls, list) else ()) if isinstance(call, dict)]
    for function in [*functions, message.get("function_call")]:
        if isinstance(function, dict):
            yield _joined(function.get("arguments"))


def _thoughts(message: Json) -> Iterator[str]:
    """The texts in which it may stand if it stands nowhere else: thoughts without an end, or with nothing behind it."""
    yield _joined(message.get("content"))
    yield from (_joined(message.get(name)) for name in ("reasoning_content", "reasoning"))


def _joined(content: Any) -> str:
    """Content as a string, or as a list of parts."""
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    if not isinstance(content, str):
        return "".join(map(_part, content)) if isinstance(content, list) else ""
    if content.lstrip().startswith('"'):  # JSON in a JSON string
        try:
            inner = json.loads(content)
        except ValueError:
            return content
        return inner if isinstance(inner, str) else content
    return content


def _part(part: Any) -> str:
    if isinstance(part, dict):
        text = part.get("text")
        return text if isinstance(text, str) and part.get("type") not in _THOUGHT_PARTS else ""
    return part if isinstance(part, str) else ""


# --- the JSON in a text ---


def _answer_in(
    text: str, names: tuple[str, ...], parts: Collection[str], is_cut: bool, is_thought: bool
) -> Json | None:
    """The answer in a text; None if there is none, or if a part of it can't be read."""
    values, is_broken = _values(text)
    if is_broken and is_cut:
        return None
    answer = _answer_among(values, names, parts, is_thought)
    if not is_broken or (answer is not None and not _is_missing_some(answer, names, text)):
        return answer
    first = _BRACKET.search(text)
    values, is_broken = _values(escape_inner_quotes(text[first.start() :] if first else text))
    is_misread = is_broken or any(map(_has_odd_key, values))
    return None if is_misread else _answer_among(values, names, parts, is_thought)


def _has_odd_key(value: Any) -> bool:
    """Whether a key has brackets or quotation marks in it: then marks that are not escaped were taken wrongly."""
    if isinstance(value, dict):
        return any(map(_ODD.search, value)) or any(map(_has_odd_key, value.values()))
    return isinstance(value, list) and any(map(_has_odd_key, value))


def _is_missing_some(answer: Json, names: tuple[str, ...], text: str) -> bool:
    """Whether the text answers more than could be read."""
    return any(name not in answer and f'"{name}"' in text for name in names)


def _values(text: str) -> tuple[list[Any], bool]:
    """The outermost JSON objects and lists, in order, and whether there is one that can't be read to its end."""
    values: list[Any] = []
    at, is_broken = 0, False
    for _ in range(_TRIED):
        bracket = _BRACKET.search(text, at)
        if bracket is None:
            break
        start = bracket.start()
        try:
            value, at = _DECODER.raw_decode(text, start)
            _refuse_depth(value)
        except (ValueError, RecursionError) as error:
            is_begun = _BEGUN.match(text, start) is not None
            is_broken |= is_begun
            # What the broken value holds is not looked into: an item of it is not the answer.
            at = max(start + 1, getattr(error, "pos", 0) if is_begun else 0)
            continue
        if not (is_broken and text[max(0, start - 20) : start].rstrip()[-1:] in (",", "[", ":", "{")):
            values.append(value)
    return values, is_broken


def _refuse_depth(value: Any) -> None:
    """Raise RecursionError for a value that is nested more deeply than any answer, before code recurses into it."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            one
            for value in level
            if isinstance(value, dict | list)
            for one in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise RecursionError("the JSON is nested too deeply")


def _answer_among(values: list[Any], names: tuple[str, ...], parts: Collection[str], is_thought: bool) -> Json | None:
    objects = [found for value in values for found in _objects(value, names, parts)]
    if not objects:
        # Some models wrap the answer: {"answer": {…}}, {"name": "Answer", "arguments": {…}}.
        inner = [one for value in values if isinstance(value, dict) for one in value.values()]
        objects = [found for value in inner for found in _objects(value, names, parts)]
    if objects:
        return _united(objects[-1:] if is_thought else objects)
    if values and all(value in ({}, []) for value in values):
        return {}
    # A bare list, or bare items, can only be the answer if one thing was asked for.
    bare = [value for value in values if _is_bare(value, parts)] if len(names) == 1 else []
    return (
        {names[0]: [one for value in bare for one in (value if isinstance(value, list) else [value])]} if bare else None
    )


def _is_bare(value: Any, parts: Collection[str]) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str) or _is_bare(one, parts) for one in value)
    return isinstance(value, dict) and any(part in value for part in parts)


def _objects(value: Any, names: tuple[str, ...], parts: Collection[str]) -> list[Json]:
    """The value with the names as the schema writes them, if it has any; a list may hold several such."""
    if isinstance(value, list):
        # Where an item has a key of the field's own name, a list can only be one of items.
        values = [] if any(name in parts for name in names) else value
        return [found for one in values if isinstance(one, dict) for found in _objects(one, names, parts)]
    if not isinstance(value, dict):
        return []
    answer = with_names(value, names)
    return [answer] if any(name in answer for name in names) else []


def _united(objects: list[Json]) -> Json:
    """One object with all that several say: a model may write one for each thing that was asked for."""
    first, *others = objects
    united = dict(first)
    for other in others:
        for name, value in other.items():
            said = united.get(name)
            if name in united and said != value:
                both = [one for side in (said, value) for one in (side if isinstance(side, list) else [side])]
                value = [one for n, one in enumerate(both) if one not in both[:n]] if len(both) < 500 else both
            united[name] = value
    return united
