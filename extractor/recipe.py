"""What a run is named by: everything that decides its records, apart from the sources."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

from extractor.catalog import Schema, digest
from extractor.data import Json, Profile, Usage
from extractor.prices import Price

# The engine's own version of what stages do to a text and an answer; raised when records change for the same replies.
ENGINE = 2


@dataclass(frozen=True)
class Recipe:
    """Schema, prompts, model and how it is asked. `model` is the name in requests: "qwen2.5-…", "gpt-…"."""

    schema: Schema
    model: str
    profile: Profile
    price: Price | None = None

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits that differ whenever records could."""
        meaning = [self.schema.digest, self.schema.prompts.digest, self.model, asdict(self.profile), ENGINE]
        return digest(json.dumps(meaning, ensure_ascii=False, sort_keys=True))[:12]

    def cost(self, usage: Usage) -> float | None:
        """What the usage cost, in US dollars; None where no price is known."""
        return None if self.price is None else round(self.price.of(usage), 6)

    def to_json(self) -> Json:
        """All that it names, for the history of runs."""
        return {
            "digest": self.digest,
            "schema": {"name": self.schema.name, "digest": self.schema.digest},
            "prompts": self.schema.prompts.digest,
            "model": self.model,
            "profile": asdict(self.profile),
            "engine": ENGINE,
        }
