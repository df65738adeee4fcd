"""What is usually written to ask many questions: an AsyncInstructor, a semaphore, gather; errors caught one by one.

    python benchmarks/bare_loop.py URL PASSAGES AT_ONCE

Prints how many were answered. `throughput.py` runs it beside the tool.
"""

from __future__ import annotations

import asyncio
import sys

import instructor
import openai
from pydantic import BaseModel

TEXT = "会议在县政府礼堂召开。" * 100


class Answer(BaseModel):
    """The answer to the one question about a passage."""

    venues: list[str]


async def ask_all(url: str, passages: int, at_once: int) -> int:
    """How many of the passages were answered."""
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
    print(asyncio.run(ask_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
