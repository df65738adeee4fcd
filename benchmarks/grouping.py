"""Count the tokens of one question for each field, compared with one question for all fields of a group.

    python benchmarks/grouping.py [INPUT ...]

The requests are those for a model that reads; none is sent. Tokens are estimated (`extractor.llm.tokens`).
The prefix that a request shares with the one before it may come from the provider's cache at a lower price. The
answers hold the same items either way, so only input tokens are counted.
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
    """The requests about the inputs, without those asked again."""
    asked: list[Request] = []

    def note(request: Request) -> Reply:
        asked.append(request)
        raise NetworkError("no model is asked")

    recipe = Recipe(load_schema("meeting"), "m", replace(LARGE, combine=combine))
    for document in read(inputs):
        if isinstance(document, Document):
            list(convert(document, recipe, note))
    return asked


def words_of(request: Request) -> str:
    return "".join(str(message["content"]) for message in request.body["messages"])


def tokens(requests: list[Request]) -> tuple[int, int]:
    """All input tokens, and those in a prefix shared with the previous request."""
    total = shared = 0
    for before, request in itertools.pairwise([None, *requests]):
        assert request is not None
        words = words_of(request)
        total += tokens_of(words)
        if before is not None:
            shared += tokens_of(os.path.commonprefix([words_of(before), words]))  # noqa: RUF071 (of words, as meant)
    return total, shared


def main() -> None:
    parser = argparse.ArgumentParser(description="Input tokens: one question for each field, or one for all.")
    parser.add_argument("inputs", nargs="*", default=[str(ROOT / "seeds")])
    inputs = parser.parse_args().inputs
    rows = {name: requests_of(inputs, combine) for name, combine in (("together", True), ("separate", False))}
    one, _ = tokens(rows["together"])
    print(
        f"{'':10} {'requests':>8} {'tokens':>8} {'shared':>8} {'passages':>8} {'new a passage':>13}   price of input tokens (together = 1), shared ones at"
    )
    print(f"{'':60}   {'full':>6} {'1/2':>6} {'1/4':>6} {'1/10':>6}")
    for name, requests in rows.items():
        total, shared = tokens(requests)
        passages = len({(request.about["document"], request.about["start"]) for request in requests})
        prices = " ".join(f"{(total - shared * (1 - part)) / one:6.2f}" for part in (1.0, 0.5, 0.25, 0.1))
        print(
            f"{name:10} {len(requests):8} {total:8} {shared:8} {passages:8} {(total - shared) / passages:13.0f}   {prices}"
        )


if __name__ == "__main__":
    main()
