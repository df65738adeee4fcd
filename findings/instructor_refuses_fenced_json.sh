#!/usr/bin/env bash
# instructor 1.17.0, Mode.JSON_SCHEMA: an answer that is right but stands in a ```json fence is refused as invalid JSON,
# and with `max_retries=1` the whole question is paid for a second time, with the former answer in it. Mode.MD_JSON takes
# the same answer. Servers that constrain decoding never fence; others (proxies, json_object endpoints) often do.
#
# Seen: "JSON_SCHEMA: InstructorRetryException after 2 calls, MD_JSON: 3 after 1 call".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'instructor==1.17.0' 'openai==3.3.0'
cd "$work"
"$work/venv/bin/python" - <<'PY'
import instructor
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

calls = 0


class Answer(BaseModel):
    count: int


def fenced(**body: object) -> ChatCompletion:
    global calls
    calls += 1
    message = {"role": "assistant", "content": '```json\n{"count": 3}\n```'}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return ChatCompletion.model_validate(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    )


def ask(mode: instructor.Mode) -> str:
    global calls
    calls = 0
    create = instructor.patch(create=fenced, mode=mode)
    try:
        said = str(create(model="m", messages=[{"role": "user", "content": "?"}], response_model=Answer, max_retries=1).count)
    except Exception as error:
        said = type(error).__name__
    return f"{said} after {calls} call{'s' if calls > 1 else ''}"


strict, lenient = ask(instructor.Mode.JSON_SCHEMA), ask(instructor.Mode.MD_JSON)
print(f"JSON_SCHEMA: {strict}, MD_JSON: {lenient}")
assert (strict, lenient) == ("InstructorRetryException after 2 calls", "3 after 1 call"), "the behaviour has changed"
PY
