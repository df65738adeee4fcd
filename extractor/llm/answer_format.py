"""The form of an answer that an endpoint takes, found out where it is not known.

A server that is named by its address is asked with a JSON Schema beside the messages. If it refuses that, the
question is sent again in a weaker form, and so are all others of the run. Only what is sent changes: the
request by which an answer is kept and recorded stays the same, so that another run finds the answer again,
whatever it has to find out itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from extractor.document import Json
from extractor.errors import FormatRefusedError
from extractor.llm.call import AnswerFormat, Call, Reply, Request, with_changed_reply

SCHEMA_IN_WORDS = "\n按此 JSON Schema 输出 JSON："
# From the strongest to the weakest, and how the user is told of it.
_FORMS: tuple[AnswerFormat, ...] = ("json_schema", "json_object", "text")
_SAID = {"json_object": "a JSON object, with the schema in words", "text": "JSON in words only"}


def in_words(schema: Json) -> str:
    """The answer's JSON Schema as a part of the question."""
    return f"{SCHEMA_IN_WORDS}{json.dumps(schema, ensure_ascii=False)}"


def schema_beside(body: Json) -> Json | None:
    """The answer's JSON Schema that is sent beside the messages, if there is one."""
    schema: Json | None = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    return schema


def weakened(body: Json, form: AnswerFormat) -> Json:
    """The request with its answer described in this form. The schema goes to the rules, in front of the text."""
    schema = schema_beside(body)
    if form == "json_schema" or schema is None:
        return body
    first, *others = body["messages"]
    changed = {**body, "messages": [{**first, "content": first["content"] + in_words(schema)}, *others]}
    if form == "text":
        del changed["response_format"]
    else:
        changed["response_format"] = {"type": "json_object"}
    return changed


@dataclass(eq=False)
class AdaptedCall:
    """A Call in the strongest form that the endpoint takes. `announce` is told once of each weaker one."""

    call: Call
    host: str
    announce: Callable[[str], None]
    _form: AnswerFormat = "json_schema"
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Reply:
        while True:
            form = self._form
            try:
                return with_changed_reply(
                    self.call, replace(request, body=weakened(request.body, form)), partial(_noted, form=form)
                )
            except FormatRefusedError as error:
                if form == _FORMS[-1] or schema_beside(request.body) is None:
                    raise
                self._weaken(form, error)

    def _weaken(self, refused: AnswerFormat, error: FormatRefusedError) -> None:
        """Go on to the next form, unless another thread has."""
        with self._lock:
            if self._form != refused:
                return
            self._form = _FORMS[_FORMS.index(refused) + 1]
        self.announce(f"{self.host} takes no answer as {refused} ({error.status}): asked for {_SAID[self._form]}")


def _noted(reply: Reply, form: AnswerFormat) -> Reply:
    return reply if form == "json_schema" else replace(reply, by={**reply.by, "answer_format": form})
