"""The usual loop for many questions: an AsyncInstructor, a semaphore and gather, with errors caught one by
one.

    python benchmarks/bare_loop.py URL PASSAGES AT_ONCE

Prints the number of answers. `throughput.py` runs it beside the tool.
"""

from __future__ import annotations

import asyncio
import sys

import instructor
import openai
from pydantic import BaseModel

TEXT = "会议在县政府礼堂召开。" * 100


class Answer(BaseModel):
    """The answer to the question about a passage."""

    venues: list[str]


async def ask_all(url: str, passages: int, at_once: int) -> int:
    """Ask about all passages and return the number of answers."""
    client = instructor.from_openai(openai.AsyncOpenAI(base_url=url, api_key="none"), mode=instructor.Mode.JSON_SCHEMA)
    turn = asyncio.Semaphore(at_once)

    async def one(number: int) -> bool:
        async with turn:
            try:
                await client.create(
                    model="m",
                    response_model=Answer,
                    max_retries=1,
                    messages=[{"role": "user", "content": f"第{number}号文。{TEXT}"}],
                )
                return True
            except Exception:
                return False

    return sum(await asyncio.gather(*(one(number) for number in range(passages))))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: bare_loop.py URL PASSAGES AT_ONCE")
    print(asyncio.run(ask_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
