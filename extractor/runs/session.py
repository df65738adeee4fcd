"""A run made ready from its settings: the model, the recipe, the recordings and the budget."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.llm.call import Call
from extractor.llm.models import Model, choose, opened
from extractor.llm.recordings import Recordings
from extractor.pipeline.recipe import Recipe
from extractor.runs.budget import Budget
from extractor.runs.run import Workers
from extractor.runs.settings import Settings
from extractor.schema.loading import Schema, load_schema


@dataclass(frozen=True)
class Session:
    """What a run needs: `ask` asks the model, within the limits and counted by `account`."""

    model: Model
    recipe: Recipe
    tape: Recordings
    ask: Call
    workers: Workers
    account: Budget
    halt: Cancellation


@contextmanager
def open_session(
    settings: Settings,
    halt: Cancellation | None = None,
    tell: Callable[[Json], None] | None = None,
    installing: Callable[[int, int], None] | None = None,
    schema: Schema | None = None,
) -> Iterator[Session]:
    """What the settings come to. Nothing is opened before the first question. `tell` hears events, `installing` of the
    embedded model's bytes as they are joined; `schema` is the settings' own where it is loaded already."""
    schema = schema or load_schema(settings.schema)
    halt = halt or Cancellation()
    accounts: list[Budget] = []
    model = choose(
        settings.model,
        settings.base_url,
        os.environ,
        installing,
        settings.pace(halt),
        halt,
        lambda attempt: accounts[0].heard(attempt),
    )
    price = settings.price_of(model)
    accounts.append(Budget(price, settings.limits, tell))
    together = model.profile.together and not settings.apart
    profile = replace(model.profile, fill=settings.fill, confirm=settings.confirm, together=together)
    recipe = Recipe(schema, model.name, profile, price)
    with opened(model) as call:
        yield Session(
            model, recipe, settings.tape(), accounts[0].over(call), settings.workers(model), accounts[0], halt
        )
