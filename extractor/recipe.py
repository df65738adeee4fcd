"""What a run is named by: everything that decides its records, apart from the sources."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

from extractor.catalog import Schema, digest
from extractor.data import Profile, Usage

# The engine's own version of what stages do to a text and an answer; raised when records change for the same replies.
ENGINE = 2


@dataclass(frozen=True)
class Recipe:
    """Schema, prompts, model and how it is asked. `model` is the name in requests: "qwen2.5-…", "gpt-…"."""

    schema: Schema
    model: str
    profile: Profile
    is_local: bool = False

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits that differ whenever records could."""
        meaning = [self.schema.digest, self.schema.prompts.digest, self.model, asdict(self.profile), ENGINE]
        return digest(json.dumps(meaning, ensure_ascii=False, sort_keys=True))[:12]

    def cost(self, usage: Usage) -> float | None:
        """What the usage cost, in US dollars: nothing for the embedded model, unknown for others."""
        return 0.0 if self.is_local else None
