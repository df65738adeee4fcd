"""What one question a field costs beside one question for all fields that a schema groups, in tokens, by counting.

    python benchmarks/grouping.py [INPUT ...]

The requests are those that a model that reads would get; nothing is asked. Tokens are estimated (`extractor.llm.tokens`). What a
request shares with the one before it about the same passage may come from the provider's cache, at a part of the price.
The answers hold the same items either way, so only what is read is counted.
"""

from __future__ import annotations

import argparse
import itertools
import os
from dataclasses import replace
from pathlib import Path

from extractor.document import Document
from extractor.errors import NetworkError
from extractor.llm.call import Reply, Request
from extractor.llm.models import LARGE
from extractor.llm.tokens import tokens_of
from extractor.pipeline.convert import convert
from extractor.pipeline.read.read import read
from extractor.pipeline.recipe import Recipe
from extractor.schema.loading import load_schema

ROOT = Path(__file__).parent.parent


def requests_of(inputs: list[str], combine: bool) -> list[Request]:
    """All first questions about the inputs."""
    asked: list[Request] = []

    def note(request: Request) -> Reply:
        asked.append(request)
        raise NetworkError("nothing is asked")

    recipe = Recipe(load_schema("meeting"), "m", replace(LARGE, combine=combine))
    for document in read(inputs):
        if isinstance(document, Document):
            list(convert(document, recipe, note))
    return asked


def words_of(request: Request) -> str:
    return "".join(str(message["content"]) for message in request.body["messages"])


def tokens(requests: list[Request]) -> tuple[int, int]:
    """Tokens read in all, and of those the ones that the request before about the same passage began with."""
    read_in_all = shared = 0
    for before, request in itertools.pairwise([None, *requests]):
        assert request is not None
        words = words_of(request)
        read_in_all += tokens_of(words)
        if before is not None and before.about["start"] == request.about["start"]:
            shared += tokens_of(os.path.commonprefix([words_of(before), words]))  # noqa: RUF071 (of words, as meant)
    return read_in_all, shared


def main() -> None:
    parser = argparse.ArgumentParser(description="Tokens read: a question a field, a question for all.")
    parser.add_argument("inputs", nargs="*", default=[str(ROOT / "seeds")])
    inputs = parser.parse_args().inputs
    rows = {name: requests_of(inputs, together) for name, together in (("together", True), ("apart", False))}
    one, _ = tokens(rows["together"])
    print(f"{'':10} {'requests':>8} {'tokens':>8} {'shared':>8}   price of tokens read, together = 1, shared ones at")
    print(f"{'':37}   {'full':>6} {'1/2':>6} {'1/4':>6} {'1/10':>6}")
    for name, requests in rows.items():
        total, shared = tokens(requests)
        prices = " ".join(f"{(total - shared * (1 - part)) / one:6.2f}" for part in (1.0, 0.5, 0.25, 0.1))
        print(f"{name:10} {len(requests):8} {total:8} {shared:8}   {prices}")


if __name__ == "__main__":
    main()
