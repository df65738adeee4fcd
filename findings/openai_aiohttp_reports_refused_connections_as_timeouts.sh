#!/usr/bin/env bash
# openai 3.3.0 with its aiohttp transport (DefaultAioHttpClient, aiohttp 3.14.5): a connection that is refused, a host that
# does not exist and a server that hangs up before it answers all arrive as APITimeoutError "Request timed out.", within
# milliseconds. With the default httpx2 transport the first two are APIConnectionError. Whoever retries timeouts and reports
# connection errors, or tells users to raise the timeout, is misled; only the chain of causes says what happened.
#
# Seen: "aiohttp: refused APITimeoutError, no such host APITimeoutError, hung up APITimeoutError"
#       "default: refused APIConnectionError, no such host APIConnectionError, hung up APIConnectionError"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'openai[aiohttp]==3.3.0' 'aiohttp==3.14.5'
cd "$work"
env -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u http_proxy -u https_proxy -u all_proxy "$work/venv/bin/python" - <<'PY'
import asyncio

import openai


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def ask(kind: type, address: str) -> str:
    client = openai.AsyncOpenAI(api_key="k", base_url=address, max_retries=0, timeout=60, http_client=kind())
    try:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
        return "answered"
    except openai.OpenAIError as error:
        return type(error).__name__
    finally:
        await client.close()


async def main() -> None:
    closed = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    refused = f"http://127.0.0.1:{closed.sockets[0].getsockname()[1]}/v1"
    closed.close()
    await closed.wait_closed()
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    hung_up = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    found = {}
    for name, kind in (("aiohttp", openai.DefaultAioHttpClient), ("default", openai.DefaultAsyncHttpxClient)):
        cases = {"refused": refused, "no such host": "http://nowhere.invalid/v1", "hung up": hung_up}
        found[name] = {case: await ask(kind, address) for case, address in cases.items()}
        print(f"{name}: " + ", ".join(f"{case} {error}" for case, error in found[name].items()))
    assert set(found["aiohttp"].values()) == {"APITimeoutError"}, "the behaviour has changed"
    assert set(found["default"].values()) == {"APIConnectionError"}, "the behaviour has changed"


asyncio.run(main())
PY
