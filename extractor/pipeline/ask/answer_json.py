"""The JSON in a chat completion, without what models put around it: thoughts, prose, fences, tool calls, parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from extractor.document import Json
from extractor.errors import BlankAnswerError, InvalidAnswerError, RefusedError, TruncatedError

# Places in an answer at which an object is tried. Prose in front of the JSON may hold a few braces of its own.
_TRIED = 20
_QUOTED = 200  # characters of an answer in an error
_BRACE = re.compile(r"[{\[]")
CUT_OFF = "The answer was cut off at its length limit."


def read_answer(completion: Json, names: tuple[str, ...]) -> Json:
    """The object that answers the question: the one with most of the `names`, a bare list standing for a single name.

    Raises TruncatedError, RefusedError, BlankAnswerError, or InvalidAnswerError if no JSON can be read.
    """
    choice = completion["choices"][0]
    text = answer_text(choice.get("message") or {})
    found, is_cut_off = _values(text, names)
    answers = [answer for value in found if (answer := _as_answer(value, names)) is not None]
    if is_cut_off and choice.get("finish_reason") == "length":
        raise TruncatedError(CUT_OFF)
    if answers and not is_cut_off:
        return max(answers, key=lambda value: sum(name in value for name in names))
    if choice.get("finish_reason") == "length":
        raise TruncatedError(CUT_OFF)
    if not text.strip():
        raise BlankAnswerError("The model answered with nothing but blanks.")
    if "{" not in text and "[" not in text:
        raise RefusedError(f"The model gave no JSON but words: {quoted(text)}.")
    raise InvalidAnswerError(f"The answer holds no JSON that can be read: {quoted(text)}.")


def _as_answer(value: Any, names: tuple[str, ...]) -> Json | None:
    """The value as an answer: an object with one of the names, or within one ({"answer": {…}}), or an empty one.

    A bare list can only be the answer if one thing was asked for, or if it is empty.
    """
    if isinstance(value, list):
        return {names[0]: value} if len(names) == 1 else None if value else {}
    if not value or any(name in value for name in names):
        return cast("Json", value)
    inner = [one for one in value.values() if isinstance(one, dict) and any(name in one for name in names)]
    return inner[0] if len(inner) == 1 else None


def answer_text(message: Json) -> str:
    """The text of a message, wherever an endpoint puts it. Raises RefusedError."""
    if isinstance(message.get("refusal"), str) and message["refusal"].strip():
        raise RefusedError(f"The model refused to answer: {quoted(message['refusal'])}.")
    candidates = [_joined(message.get("content")), *_arguments(message)]
    # Some servers put the whole answer of a thinking model there if the thought has no end mark.
    candidates += [_joined(message.get(name)) for name in ("reasoning_content", "reasoning")]
    return next((text for text in map(_after_thoughts, candidates) if text.strip()), "")


def _joined(content: Any) -> str:
    """Content as a string, or as a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    parts = content if isinstance(content, list) else []
    return "".join(part if isinstance(part, str) else str(part.get("text") or "") for part in parts if part)


def _arguments(message: Json) -> Iterator[str]:
    calls = [call.get("function") for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    for function in [*calls, message.get("function_call")]:
        if isinstance(function, dict):
            yield _joined(function.get("arguments"))


def _after_thoughts(text: str) -> str:
    """What follows the last </think>; nothing if the thoughts have no end."""
    _, mark, after = text.rpartition("</think>")
    if mark:
        return after
    return "" if after.lstrip().startswith("<think>") else after


def _values(text: str, names: tuple[str, ...]) -> tuple[list[Any], bool]:
    """Outermost JSON objects and lists, in order, and whether the text ends within an answer.

    What stands inside an object that can't be read is no answer: it would be an item of the answer, or a part of one.
    """
    decoder = json.JSONDecoder()
    begins = re.compile(rf"[{{\[]\s*[{{\[]?\s*\"(?:{'|'.join(map(re.escape, names))})\"\s*:")
    found: list[Any] = []
    at = 0
    for _ in range(_TRIED):
        start = _BRACE.search(text, at)
        if start is None:
            break
        try:
            value, at = decoder.raw_decode(text, start.start())
            found.append(value)
        except (ValueError, RecursionError) as error:
            if begins.match(text, start.start()) or _ends_within(error, text):
                return found, True
            at = start.end()
    return found, False


def _ends_within(error: Exception, text: str) -> bool:
    """Whether JSON could not be read because its text ends."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")


def quoted(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
