#!/usr/bin/env bash
# LiteLLM's proxy 1.108.7 with a master key and no database: a request with a wrong key gets status 400 ("No connected db."),
# one without a key gets 500, and an unknown model gets 400 as well. A client that takes 401 for a wrong key, 404 for an
# unknown model, and retries 5xx, blames the request in the first case and repeats the second one for nothing.
#
# Seen: "right key 200, wrong key 400 (No connected db.), no key 500, unknown model 400"
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'litellm[proxy]==1.108.7'
cd "$work"
cat >config.yaml <<'YAML'
model_list:
  - model_name: echo
    litellm_params: {model: openai/echo, api_key: none, mock_response: "42"}
general_settings: {master_key: sk-right-key-0001}
YAML
port=$("$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LITELLM_LOCAL_MODEL_COST_MAP=True "$work/venv/bin/litellm" --config config.yaml --host 127.0.0.1 --port "$port" >log 2>&1 &
server=$!
NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 "$work/venv/bin/python" - "$port" <<'PY'
import json
import sys
import time
import urllib.error
import urllib.request

address = f"http://127.0.0.1:{sys.argv[1]}"
for _ in range(240):
    try:
        urllib.request.urlopen(f"{address}/health/liveliness", timeout=5)
        break
    except OSError:
        time.sleep(0.5)


def ask(key: str | None, model: str = "echo") -> tuple[int, str]:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "?"}]}).encode()
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{address}/v1/chat/completions", body, headers)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


right, wrong, none = ask("sk-right-key-0001"), ask("sk-wrong-key-0002"), ask(None)
unknown = ask("sk-right-key-0001", "nothing")
said = "No connected db." if "No connected db." in wrong[1] else wrong[1][:200]
print(f"right key {right[0]}, wrong key {wrong[0]} ({said}), no key {none[0]}, unknown model {unknown[0]}")
assert (right[0], wrong[0], none[0], unknown[0]) == (200, 400, 500, 400), "the behaviour has changed"
assert said == "No connected db.", "the behaviour has changed"
PY
