"""A run made ready from its settings: the model, the recipe, the recordings and the budget."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
    """What a run needs: `ask` asks the model, within the limits and counted by `budget`."""

    model: Model
    recipe: Recipe
    recordings: Recordings
    ask: Call
    workers: Workers
    budget: Budget
    cancellation: Cancellation


@contextmanager
def open_session(
    settings: Settings,
    cancellation: Cancellation | None = None,
    tell: Callable[[Json], None] | None = None,
    installing: Callable[[int, int], None] | None = None,
    schema: Schema | None = None,
    announce: Callable[[str], None] | None = None,
) -> Iterator[Session]:
    """What the settings come to. Nothing is opened before the first question. `tell` hears events, `installing` of the
    embedded model's bytes as they are joined; `schema` is the settings' own where it is loaded already; `announce` takes a
    line when the embedded model is being loaded, and one when it is ready."""
    schema = schema or load_schema(settings.schema)
    cancellation = cancellation or Cancellation()
    budgets: list[Budget] = []
    model = choose(
        settings.model,
        settings.base_url,
        os.environ,
        installing,
        settings.limiter(cancellation),
        cancellation,
        lambda attempt: budgets[0].heard(attempt),
    )
    if announce is not None and model.is_local:
        model = _announced(model, announce)
    price = settings.price_of(model)
    budgets.append(Budget(price, settings.limits, tell))
    combine = model.profile.combine and not settings.separate_fields
    profile = replace(model.profile, second_pass=settings.second_pass, verify=settings.verify, combine=combine)
    recipe = Recipe(schema, model.name, profile, price)
    with opened(model) as call:
        yield Session(
            model,
            recipe,
            settings.recordings(),
            budgets[0].over(call),
            settings.workers(model),
            budgets[0],
            cancellation,
        )


def _announced(model: Model, announce: Callable[[str], None]) -> Model:
    """The model, with a line before and after it is loaded at the first question: that takes a while."""

    def open_announced(stack: ExitStack) -> Call:
        announce("loading the embedded model …")
        call = model.open(stack)
        announce("the embedded model is ready")
        return call

    return replace(model, open=open_announced)
